//! `upgrade`: other images, one container at a time: gateways first, each drained and proved, then SCMs, OMs and datanodes.

use anyhow::Result;

use super::Context;
use super::change::{Planned, going_on, plan, print, warn_of_a_gap};
use super::request::chosen;
use super::up::{pull, pulls};
use crate::cli::Upgrade;
use crate::engine::objects::is_same_image;
use crate::error::{Failure, Status};
use crate::observe::Observed;
use crate::plan::requirements::Requirements;
use crate::site::Site;
use crate::spec::Spec;
use crate::spec::choices::Choices;
use crate::spec::values::{GatewayImage, ImageName, OzoneVersion};
use crate::steps::{Action, Goal};

/// Runs the verb.
pub fn run(arguments: &Upgrade, context: &Context) -> Result<Status> {
    let Upgrade { folder, ozone_version, ozone_image, gateways_only, rollback, finalize, .. } = arguments;
    let planned = plan(&folder.folder, context, |site| {
        if *finalize {
            return Ok((Choices::default(), Goal::Finalize));
        }
        let choices = match (ozone_version, ozone_image) {
            (Some(version), _) => to_version(version, *gateways_only, site)?,
            (None, Some(image)) => to_image(image, *gateways_only, &site.spec),
            (None, None) => {
                debug_assert!(rollback, "one of the four is required");
                back(site, &Observed::of(&context.engine, &site.spec, &site.folder)?)?
            }
        };
        Ok((choices, Goal::Upgrade))
    })?;
    let spec = &planned.request.site.spec;
    let pulls = if *finalize { Vec::new() } else { pulls(&Requirements::new(spec), context) };
    if arguments.dry_run {
        planned.request.say_new_choices(context);
        return print(&[pulls, planned.steps].concat(), context);
    }
    planned.request.warn_of_version(context);
    let is_done = planned.steps.is_empty();
    if *finalize {
        return finish(planned, arguments, context);
    }
    let has_replaced_data = planned.steps.iter().any(|step| matches!(step.action, Action::Update(_)));
    if has_replaced_data {
        warn_of_a_gap("is replaced", spec, context);
    }
    pull(&pulls, &planned.request.site, context)?;
    let (result, acted) = planned.act(context, |session| {
        session.drain_within = arguments.drain_timeout.duration();
        session.serve_within = arguments.timeout.duration();
    });
    let site = acted.site;
    result.map_err(|error| {
        let again = site.command(&again(&site.spec));
        let error = going_on(error, "interrupted; what was not replaced yet goes on with its image", &again);
        with_hint_at_rollback(error, &site.command("upgrade --rollback"))
    })?;
    let images = Observed::of(&context.engine, &site.spec, &site.folder)?.images();
    let already = if is_done { "; there was nothing to replace" } else { "" };
    for (image, services) in images {
        context.ui.say(&format!("{image}: {}{already}", services.join(", ")));
    }
    if has_replaced_data {
        let finalize = site.command("upgrade --finalize");
        context.ui.say(&format!("its data stays readable for the version before until `{finalize}`"));
    }
    Ok(Status::Done)
}

/// Finalizes an upgrade, which replaces no container.
fn finish(planned: Planned, arguments: &Upgrade, context: &Context) -> Result<Status> {
    let (result, acted) = planned.act(context, |session| session.serve_within = arguments.timeout.duration());
    let site = acted.site;
    result.map_err(|error| going_on(error, "interrupted", &site.command("upgrade --finalize")))?;
    context.ui.say(&format!(
        "cluster `{}` is finalized for Ozone {}; no older version starts on its data",
        site.name, site.spec.version
    ));
    Ok(Status::Done)
}

/// The command that continues to what was chosen.
fn again(spec: &Spec) -> String {
    let of_gateways = spec.gateway_images.iter().find(|one| one.gateway.is_none());
    match of_gateways {
        Some(one) => format!("upgrade --gateways-only --ozone-image {}", one.image),
        None => of_everything(spec),
    }
}

/// The command that goes to the image of all containers.
pub(super) fn of_everything(spec: &Spec) -> String {
    match (repository(spec), &spec.ozone_image) {
        (None, Some(image)) => format!("upgrade --ozone-image {image}"),
        _ => format!("upgrade --ozone-version {}", spec.version),
    }
}

/// The choices of a version: the image with another tag.
fn to_version(version: &OzoneVersion, gateways_only: bool, site: &Site) -> Result<Choices> {
    let spec = &site.spec;
    let Some(repository) = repository(spec) else {
        let image = spec.ozone_image.as_ref().map(ToString::to_string).unwrap_or_default();
        let message = format!("`ozone.image` is {image}, which no version changes; nothing was changed");
        return Err(Failure::new(Status::Usage, message).with_hint("`--ozone-image` names another").into());
    };
    if gateways_only {
        return Ok(of_gateways(Some(format!("{repository}{version}")), spec));
    }
    Ok(chosen("ozone.version", vec![version.to_string()]).overlaid_by(of_gateways(None, spec)))
}

fn to_image(image: &ImageName, gateways_only: bool, spec: &Spec) -> Choices {
    if gateways_only {
        return of_gateways(Some(image.to_string()), spec);
    }
    chosen("ozone.image", vec![image.to_string()]).overlaid_by(of_gateways(None, spec))
}

/// What precedes the version in the name of the image; none where a person named an image that is no version's.
fn repository(spec: &Spec) -> Option<String> {
    let image = spec.ozone_image.as_ref()?.to_string();
    image
        .strip_suffix(&spec.version.to_string())
        .filter(|before| before.ends_with("apache/ozone:"))
        .map(str::to_owned)
}

/// One image for all gateways, or none but that of the others; single ones keep theirs.
fn of_gateways(image: Option<String>, spec: &Spec) -> Choices {
    let single = spec.gateway_images.iter().filter(|one| one.gateway.is_some()).map(GatewayImage::to_string);
    chosen("gateways.image", image.into_iter().chain(single).collect())
}

/// The choices that an upgrade began with: those of the containers that it has not reached, or that it left alone.
fn back(site: &Site, observed: &Observed) -> Result<Choices> {
    let spec = &site.spec;
    if spec.gateway_images.iter().any(|one| one.gateway.is_none()) {
        return Ok(of_gateways(None, spec));
    }
    let now = spec.ozone_image.as_ref().map(ToString::to_string).unwrap_or_default();
    let is_own =
        |image: &String| spec.gateway_images.iter().any(|one| is_same_image(&one.image.to_string(), image));
    let others = observed.images().into_keys().filter(|image| !is_same_image(image, &now) && !is_own(image));
    let others: Vec<String> = others.collect();
    let [before] = others.as_slice() else {
        let message = format!("no container of cluster `{}` runs another image than {now}", site.name);
        let hint = "`--ozone-version` or `--ozone-image` names the one to go to";
        return Err(Failure::new(Status::Usage, message).with_hint(hint).into());
    };
    let version = repository(spec)
        .and_then(|repository| before.strip_prefix(&repository)?.parse::<OzoneVersion>().ok());
    Ok(match version {
        Some(version) => chosen("ozone.version", vec![version.to_string()]),
        None => chosen("ozone.image", vec![before.clone()]),
    })
}

fn with_hint_at_rollback(error: anyhow::Error, back: &str) -> anyhow::Error {
    match error.downcast::<Failure>() {
        Ok(failure) => {
            let hint = format!("{}, `{back}` goes back", failure.hint);
            failure.with_hint(hint).into()
        }
        Err(error) => error,
    }
}
