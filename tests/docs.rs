//! docs/: what is made from the table of options is current, and what is written by hand names what there is.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use fs_err as fs;

use ozone_compose::render::ALL_FILES;
use ozone_compose::spec::choices::FILE_NAME;
use ozone_compose::spec::options::{Default as Preset, OPTIONS, Opt, Scope};

const REGENERATE: &str = "SNAPSHOTS=overwrite cargo test --test docs";

fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs").join(name)
}

/// docs/options.md.
fn options() -> String {
    let mut text = format!(
        "# Options\n\n\
         <!-- Made from src/spec/options.rs: {REGENERATE} -->\n\n\
         Each option is a flag of `generate`, `haproxy`, `up` and `config show`, a key of `{FILE_NAME}`, and an \
         environment variable. A\nflag wins over the variable, that over the file, that over the default.\n"
    );
    let mut group = "";
    for option in OPTIONS {
        if option.group != group {
            group = option.group;
            write!(
                text,
                "\n## {group}\n\n| key | flag | variable | default | meaning |\n|---|---|---|---|---|\n"
            )
            .expect("a text");
        }
        text.push_str(&row(option));
    }
    text
}

fn row(option: &Opt) -> String {
    let short = option.short.map(|short| format!("`-{short}`, ")).unwrap_or_default();
    let placeholder = option.placeholder.replace('|', "\\|");
    let default = match option.default {
        Preset::Is(text) => format!("`{text}`"),
        Preset::By { tuned, upstream } => format!("`{tuned}`; `{upstream}` in upstream"),
        Preset::ByBase { single, ha } => format!("`{single}`; `{ha}` with the base `ha`"),
        Preset::BySize { small, default } => format!("`{default}`; `{small}` in the size `small`"),
        Preset::From(words) => words.to_owned(),
        Preset::List => "none".to_owned(),
    };
    let words: Vec<String> = option.words().iter().map(|word| format!("`{word}`")).collect();
    let words = if words.is_empty() { String::new() } else { format!(" ({})", words.join(", ")) };
    let scope = match option.scope {
        Scope::Everywhere => "",
        Scope::Tuned => ". Not in the profile `upstream`",
        Scope::Cluster => ". Only where this tool writes the SCM, OM and datanodes",
        Scope::Containers => ". Only for gateways in containers",
    };
    let Opt { key, flag, help, .. } = option;
    let variable = option.variable();
    format!(
        "| `{key}` | {short}`--{flag} {placeholder}` | `{variable}` | {default} | {help}{words}{scope} |\n"
    )
}

#[test]
fn the_page_of_options_is_current() {
    if std::env::var_os("SNAPSHOTS").is_some_and(|value| value == "overwrite") {
        fs::write(path("options.md"), options()).expect("docs/options.md");
    }
    let committed = fs::read_to_string(path("options.md")).unwrap_or_default();
    let diff = similar::TextDiff::from_lines(&committed, options()).unified_diff().to_string();
    assert!(diff.is_empty(), "docs/options.md is out of date:\n{diff}\nregenerate: {REGENERATE}");
}

#[test]
fn the_page_of_files_names_each_file_that_is_written() {
    let page = fs::read_to_string(path("files.md")).expect("docs/files.md");
    for name in ALL_FILES.iter().chain([&FILE_NAME]) {
        assert!(page.contains(&format!("\n## `{name}`\n")), "{name}");
    }
}

#[test]
fn links_between_pages_lead_somewhere() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for page in ["README.md", "CONTRIBUTING.md", "docs/files.md", "docs/json.md", "docs/options.md"] {
        let text = fs::read_to_string(root.join(page)).expect("a page");
        let folder = root.join(page).parent().expect("a folder").to_owned();
        for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let place = link.split('#').next().unwrap_or_default();
            let is_here = place.is_empty() || folder.join(place).exists();
            assert!(link.starts_with("http") || is_here, "{page}: {link}");
        }
    }
}
