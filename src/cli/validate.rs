//! `statescope validate`: tries predictions of theory on the simulator and prints a table.

use std::path::{Path, PathBuf};

use clap::Args;

use super::Failure;
use super::input::{Input, MachineArguments};
use super::interrupt;
use super::output::{ProgressLine, print};
use crate::analysis::validate::{self, Case, Prepared, Verdict};
use crate::model::file;

#[derive(Args)]
pub struct Arguments {
    /// Cases in JSON: a list of {id, file, set, metric, expected, tolerance, seeds}; files from its folder
    #[arg(value_name = "CASES.json")]
    cases: PathBuf,

    #[command(flatten)]
    machine: MachineArguments,
}

pub fn validate(arguments: &Arguments) -> Result<(), Failure> {
    let cases = prepare(&arguments.cases)?;
    let progress = ProgressLine::new();
    let show = |done| progress.show(done);
    let (verdicts, cut) = validate::run(&cases, arguments.machine.control(&show));
    drop(progress);
    print(table(&verdicts))?;
    if let Some(cut) = cut {
        return Err(interrupt::failure(
            &cut,
            &arguments.cases.display().to_string(),
        ));
    }
    let failed = verdicts.iter().filter(|verdict| !verdict.holds()).count();
    if failed > 0 {
        return Err(Failure::input(format!(
            "{failed} of {} cases fail",
            verdicts.len()
        )));
    }
    Ok(())
}

/// The cases of a file, ready to run; every wrong one is named.
fn prepare(path: &Path) -> Result<Vec<Prepared>, Failure> {
    let text = file::read_text(path, &path.to_string_lossy())
        .map_err(|error| Failure::input(error.to_string()))?;
    let cases = validate::read(&text)
        .map_err(|error| Failure::input(format!("{}: {error}", path.display())))?;
    let folder = path.parent().unwrap_or(Path::new(""));
    let (mut prepared, mut problems) = (Vec::new(), Vec::new());
    for case in &cases {
        match prepare_one(case, folder) {
            Ok(case) => prepared.push(case),
            Err(failure) => problems.push(failure.message),
        }
    }
    if problems.is_empty() {
        Ok(prepared)
    } else {
        Err(Failure::input(problems.join("\n")))
    }
}

fn prepare_one(case: &Case, folder: &Path) -> Result<Prepared, Failure> {
    let mut input = Input::load(&folder.join(&case.file).to_string_lossy())?;
    case.set(&mut input.topology).map_err(Failure::input)?;
    let topology = input
        .runnable()
        .map_err(|failure| Failure::input(format!("{}: {}", case.id, failure.message)))?;
    case.prepare(topology.clone()).map_err(Failure::input)
}

fn table(verdicts: &[Verdict]) -> String {
    let id_width = verdicts
        .iter()
        .map(|verdict| verdict.id.len())
        .max()
        .unwrap_or(0)
        .max(4);
    let mut table = format!(
        "{:<id_width$}  {:>12}  {:>12}  {:>10}  {:>10}  {:>10}  verdict\n",
        "case", "expected", "mean", "std. error", "deviation", "allowed"
    );
    for verdict in verdicts {
        let relative = |size: f64| {
            if verdict.expected == 0.0 {
                figure(size)
            } else {
                format!("{:.3} %", 100.0 * size / verdict.expected.abs())
            }
        };
        let optional = |size: Option<f64>| size.map_or_else(|| "-".to_owned(), relative);
        table.push_str(&format!(
            "{:<id_width$}  {:>12}  {:>12}  {:>10}  {:>10}  {:>10}  {}\n",
            verdict.id,
            figure(verdict.expected),
            verdict.mean.map_or_else(|| "-".to_owned(), figure),
            optional(verdict.standard_error),
            optional(verdict.mean.map(|mean| mean - verdict.expected)),
            relative(verdict.allowed),
            match (&verdict.problem, verdict.holds()) {
                (Some(problem), _) => format!("FAILS: {problem}"),
                (None, true) => "holds".to_owned(),
                (None, false) => "FAILS".to_owned(),
            }
        ));
    }
    table
}

/// A number with six digits that count.
fn figure(n: f64) -> String {
    let before_point = libm::log10(n.abs().max(1e-300)).floor() as i32 + 1;
    let decimals = usize::try_from(6 - before_point).unwrap_or(0).min(9);
    let text = format!("{n:.decimals$}");
    if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use super::figure;

    #[test]
    fn figures_have_six_digits() {
        assert_eq!(figure(0.05), "0.05");
        assert_eq!(figure(0.034_657_359), "0.0346574");
        assert_eq!(figure(1000.0), "1000");
        assert_eq!(figure(8.230_579_7), "8.23058");
        assert_eq!(figure(0.0), "0");
    }
}
