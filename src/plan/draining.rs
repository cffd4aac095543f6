//! What the container of a gateway runs where its orchestrator stops it, and this tool does not drain it before.

/// The most seconds from the moment when DNS no longer has a gateway's name until HAProxy sends it nothing.
#[derive(Clone, Copy, Debug)]
pub(super) struct Notice(pub(super) u32);

/// A script that starts a gateway and, on SIGTERM, has it complete its requests for so many seconds: it waits until HAProxy
/// has seen that the name is gone, and until no connection to port 9878 (2696 in hexadecimal) is left.
pub(super) fn script(Notice(notice): Notice, drains_within: u32) -> String {
    format!(
        "drain() {{\n  \
           sleep {notice}\n  \
           for _ in $(seq {drains_within}); do\n    \
             grep -qiE ':2696 [0-9A-F]+:[0-9A-F]+ 01 ' /proc/net/tcp /proc/net/tcp6 || break\n    \
             sleep 1\n  \
           done\n  \
           kill $java\n  \
           wait $java\n  \
           exit 0\n\
         }}\n\
         ozone s3g & java=$!\n\
         trap drain TERM\n\
         wait $java\n"
    )
}
