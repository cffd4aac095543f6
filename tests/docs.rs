//! docs/: what is made from the table of options is current, and what is written by hand names what there is.

mod support;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use clap::Parser;
use clap::error::ErrorKind;
use fs_err as fs;

use ozone_compose::cli::Cli;
use ozone_compose::render::ALL_FILES;
use ozone_compose::spec::choices::FILE_NAME;
use ozone_compose::spec::options::{OPTIONS, Opt, Preset, Scope};

use support::examples;

const REGENERATE: &str = "SNAPSHOTS=overwrite cargo test --test docs";

fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs").join(name)
}

/// docs/options.md.
fn options() -> String {
    let mut text = format!(
        "# Options\n\n\
         <!-- Made from src/spec/options.rs: {REGENERATE} -->\n\n\
         Each option is a flag of `generate`, `haproxy`, `up`, `run --up` and `config show`, a key of `{FILE_NAME}`, and an \
         environment\nvariable. A flag wins over the variable, that over the file, that over the default.\n"
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
        Scope::Checkout => ". Only with --base none",
        Scope::Swarm => ". Only with --target swarm",
    };
    let Opt { key, flag, help, .. } = option;
    let variable = option.variable();
    let flag = if option.is_switch() {
        format!("`--{flag}`, `--{flag}=off`")
    } else {
        format!("`--{flag} {placeholder}`")
    };
    format!("| `{key}` | {short}{flag} | `{variable}` | {default} | {help}{words}{scope} |\n")
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
    let mut links = 0;
    for page in pages() {
        let text = fs::read_to_string(&page).expect("a page");
        let folder = page.parent().expect("a folder").to_owned();
        let all = text.split("](").skip(1).filter_map(|rest| rest.split(')').next());
        for link in all.filter(|link| !link.starts_with("http")) {
            links += 1;
            let (place, heading) = link.split_once('#').unwrap_or((link, ""));
            let target = if place.is_empty() { page.clone() } else { folder.join(place) };
            assert!(target.exists(), "{}: {link}", page.display());
            let is_there = heading.is_empty() || anchors(&target).iter().any(|anchor| anchor == heading);
            assert!(is_there, "{}: {link} names no heading", page.display());
        }
    }
    assert!(links > 50, "{links}");
}

/// What links name the headings of a page by, as GitHub makes it: small letters, digits, and `-` for each blank.
fn anchors(page: &Path) -> Vec<String> {
    let text = fs::read_to_string(page).expect("a page");
    let heading = |line: &str| {
        let words = line.strip_prefix('#')?.trim_start_matches('#').strip_prefix(' ')?.to_lowercase();
        let kept = words.chars().filter(|one| one.is_alphanumeric() || [' ', '-', '_'].contains(one));
        Some(kept.map(|one| if one == ' ' { '-' } else { one }).collect())
    };
    text.lines().filter_map(heading).collect()
}

/// Every page, as a path from the top of the repository.
fn pages() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let entries = fs::read_dir(root.join("docs")).expect("docs").map(|entry| entry.expect("an entry").path());
    let pages = entries.filter(|path| path.extension().is_some_and(|extension| extension == "md"));
    pages.chain([root.join("README.md"), root.join("CONTRIBUTING.md")]).collect()
}

/// The blocks of code in a page, each with its language.
fn blocks(page: &str) -> Vec<(&str, &str)> {
    page.split("\n```").skip(1).step_by(2).filter_map(|block| block.split_once('\n')).collect()
}

#[test]
fn the_pages_have_every_line_of_the_configurations_and_names_tests_that_are_there() {
    for (page, case) in [("haproxy.md", "single"), ("example.md", "upstream")] {
        let page = fs::read_to_string(path(page)).expect("a page");
        let example = examples::all().into_iter().find(|example| example.case == case).expect("an example");
        let cfg = example.read("haproxy/s3-haproxy.cfg");
        let is_line = |line: &&str| !line.is_empty() && !line.starts_with('#');
        // One line of servers stands for all.
        let is_other = |line: &str| line.starts_with("server s3g") && !line.starts_with("server s3g1 ");
        let lines = cfg.lines().map(str::trim).filter(is_line).filter(|line| !is_other(line));
        for line in lines {
            assert!(page.contains(&format!("`{line}`")), "{line}");
        }
    }
    let page = fs::read_to_string(path("haproxy.md")).expect("docs/haproxy.md");
    let tests = sources("balancer");
    let names = page.split('*').filter(|word| word.contains('_') && !word.contains(' '));
    let names: Vec<&str> = names.collect();
    assert!(names.len() > 5, "{names:?}");
    for name in names {
        assert!(tests.contains(&format!("#[test]\nfn {name}() {{\n")), "{name}");
    }
}

#[test]
fn the_workflows_for_ci_are_yaml() {
    let page = fs::read_to_string(path("ci.md")).expect("docs/ci.md");
    let workflows: Vec<_> = blocks(&page).into_iter().filter(|(language, _)| *language == "yaml").collect();
    assert_eq!(workflows.len(), 2);
    for (_, text) in workflows {
        let workflow: serde_yaml::Value = serde_yaml::from_str(text).expect("YAML");
        assert!(workflow.is_mapping(), "{text}");
    }
}

#[test]
fn every_command_in_the_pages_is_one_that_the_tool_takes() {
    let mut commands = 0;
    for page in pages() {
        let text = fs::read_to_string(&page).expect("a page");
        let code = blocks(&text).into_iter().flat_map(|(_, block)| block.lines());
        let inline = text.lines().flat_map(|line| line.split('`').skip(1).step_by(2));
        for command in code.chain(inline).filter_map(command) {
            commands += 1;
            if let Err(error) = Cli::try_parse_from(&command) {
                let is_help = matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
                assert!(is_help, "{}: {command:?}: {error}", page.display());
            }
        }
    }
    assert!(commands > 50, "{commands}");
}

/// The words of a command of this tool in a line for a shell; none where it has none, or stops at the verb's name.
fn command(line: &str) -> Option<Vec<String>> {
    let (before, rest) = line.split_once("ozone-compose ")?;
    // A sentence, a path or a name that ends so is no command.
    if !before.is_empty() && !before.ends_with([' ', '(', '/']) || before.starts_with("# ") {
        return None;
    }
    let words = ["ozone-compose".to_owned()].into_iter().chain(words(&rest[..end_of_command(rest)]));
    let words: Vec<String> = words.collect();
    (words.len() > 1).then_some(words)
}

/// Where a shell ends a command: at the first of its own characters that no quotation marks enclose.
fn end_of_command(line: &str) -> usize {
    let mut open = None;
    for (place, character) in line.char_indices() {
        match (open, character) {
            (None, '\'' | '"') => open = Some(character),
            (Some(mark), _) if mark == character => open = None,
            (None, ';' | '|' | '>' | ')' | '#' | '&') => return place,
            _ => {}
        }
    }
    line.len()
}

/// The words of a command as a shell takes them. One that stands between quotation marks itself has but the second.
fn words(command: &str) -> Vec<String> {
    shlex::split(command).unwrap_or_else(|| {
        command.split_whitespace().map(|word| word.trim_matches(['\'', '"']).to_owned()).collect()
    })
}

#[test]
fn quotation_marks_hold_a_word_together() {
    let found = command("$ ozone-compose bench --during \"scale 5; x\" | tee 'a b'").expect("a command");
    assert_eq!(found, ["ozone-compose", "bench", "--during", "scale 5; x"]);
    assert_eq!(command("eval \"$(ozone-compose env)\"").expect("a command"), ["ozone-compose", "env"]);
    assert_eq!(command("sh -c 'exec ozone-compose up'").expect("a command"), ["ozone-compose", "up"]);
}

/// All sources of a test crate, by its folder or its file.
fn sources(name: &str) -> String {
    let place = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(name);
    let read = |path: PathBuf| fs::read_to_string(path).expect("a source");
    if place.is_file() {
        return read(place);
    }
    let files = fs::read_dir(place).expect("a test crate");
    files.map(|entry| read(entry.expect("an entry").path())).collect()
}

/// Every command of this tool that the sources print as something to type: in backquotes, or by `Site::command`. What
/// is filled in at run time is the name of a gateway, which stands for any word.
fn hints(source: &str) -> Vec<String> {
    // As it reads: without the marks by which Rust goes on in the next line.
    let text: String = source.split("\\\n").map(str::trim_start).collect();
    let quoted = text.split("`ozone-compose ").skip(1).filter_map(|rest| rest.split('`').next());
    let built =
        ["site.command(\"", "site.command(&format!(\""].into_iter().flat_map(|call| text.split(call).skip(1));
    let built = built.filter_map(|rest| rest.split('"').next());
    let filled = |command: &str| {
        let mut words = String::new();
        let mut rest = command;
        while let Some((before, after)) = rest.split_once('{') {
            words.push_str(before);
            words.push_str("s3g1");
            rest = after.split_once('}').map_or("", |(_, after)| after);
        }
        format!("ozone-compose {words}{rest}")
    };
    quoted.chain(built).map(filled).collect()
}

#[test]
fn every_command_that_the_sources_print_is_one_that_the_tool_takes() {
    let mut open = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src")];
    let mut found = 0;
    while let Some(place) = open.pop() {
        if place.ends_with("tests.rs") {
            continue;
        }
        if place.is_dir() {
            open.extend(fs::read_dir(place).expect("a folder").map(|entry| entry.expect("an entry").path()));
            continue;
        }
        let source = fs::read_to_string(&place).expect("a source");
        // Doc comments name verbs as well, and commands of Docker are built in the same way.
        let lines =
            source.lines().filter(|line| !line.trim_start().starts_with("//") && !line.contains("engine"));
        for hint in hints(&lines.flat_map(|line| [line, "\n"]).collect::<String>()) {
            found += 1;
            // As the source has it: a quotation mark inside a text has a backslash.
            let taken = Cli::try_parse_from(words(&hint.replace('\\', "")));
            assert!(taken.is_ok(), "{}: nobody can type `{hint}`", place.display());
        }
    }
    assert!(found > 40, "{found}");
}
