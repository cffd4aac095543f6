//! The library from choices to texts, where a process for each rendering would be slow.

use ozone_compose::plan::Plan;
use ozone_compose::render::templates::Templates;
use ozone_compose::render::{self, Files};
use ozone_compose::spec::choices::{Choices, Origin};
use ozone_compose::spec::options::Opt;
use ozone_compose::spec::{Problems, Spec};

/// Choices by the keys of `ozone-compose.yaml`; a list's values are separated by spaces.
pub(crate) fn choices(pairs: &[(&str, &str)]) -> Choices {
    let mut choices = Choices::default();
    for (key, text) in pairs {
        let option = Opt::with_key(key).unwrap_or_else(|| panic!("no key `{key}`"));
        let texts = if option.is_list() { text.split(' ').collect() } else { vec![*text] };
        let texts = texts.into_iter().map(str::to_owned).collect();
        choices.choose(option, texts, Origin::Flag(option.flag));
    }
    choices
}

/// The plan of some choices, in a folder called `demo`.
pub(crate) fn plan(choices: &Choices) -> Result<Plan, Problems> {
    Ok(Plan::new(&Spec::resolve(choices, "demo")?, &[]))
}

/// The files of a plan, from this tool's templates.
pub(crate) fn render(plan: &Plan) -> anyhow::Result<Files> {
    Ok(render::render(plan, &Templates::default())?.files)
}

/// The files of choices that are good.
pub(crate) fn files(pairs: &[(&str, &str)]) -> Files {
    let plan = plan(&choices(pairs)).unwrap_or_else(|problems| panic!("{pairs:?}: {problems}"));
    render(&plan).unwrap_or_else(|error| panic!("{pairs:?}: {error:#}"))
}
