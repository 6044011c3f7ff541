//! Stream selectors and pipelines.

use super::filters::begins_filter;
use super::{Parsed, Parser, unknown};
use crate::logql::ast::{
    LabelFormat, LineFilter, LineTest, LogQuery, Matcher, Picked, Stage, TextOp, TextTest, Unwrap,
};
use crate::logql::ip::IpRange;
use crate::logql::lexer::Token;
use crate::logql::pipeline::{JsonPath, LinePattern, PatternParser};
use crate::logql::template::Template;
use crate::tokens::Failure;

/// What may follow a pipe.
const STAGES: &[&str] = &[
    "json",
    "logfmt",
    "regexp",
    "pattern",
    "unpack",
    "line_format",
    "label_format",
    "decolorize",
    "drop",
    "keep",
    "unwrap",
];

/// What a pipeline ends with, in functions of time.
#[derive(Debug, Default)]
pub(super) struct Ending {
    pub(super) unwrap: Option<Unwrap>,
}

impl Parser<'_> {
    /// `{…} | …`, without a window of time.
    pub(super) fn log_query(&mut self) -> Parsed<LogQuery> {
        let mut query = LogQuery {
            matchers: self.selector()?,
            stages: Vec::new(),
        };
        let mut ending = Ending::default();
        let at = self.position();
        self.stages(&mut query.stages, &mut ending)?;
        if ending.unwrap.is_some() {
            return Err(Failure::new(at, "`unwrap` makes numbers, not lines")
                .hint("put it into a function of time: `sum_over_time({…} | unwrap x [5m])`"));
        }
        Ok(query)
    }

    pub(super) fn selector(&mut self) -> Parsed<Vec<Matcher>> {
        let open = self.position();
        self.expect("{")?;
        let mut matchers = Vec::new();
        while self.symbol() != Some("}") {
            self.count_term()?;
            let name = self.label()?;
            let test = self.text_test("`=`, `!=`, `=~` or `!~`")?;
            matchers.push(Matcher { name, test });
            if !self.take(",") {
                break;
            }
        }
        self.close("}", open)?;
        Ok(matchers)
    }

    /// An operator and the text after it.
    pub(super) fn text_test(&mut self, wanted: &str) -> Parsed<TextTest> {
        let op = match self.symbol() {
            Some("=" | "==") => TextOp::Equal,
            Some("!=") => TextOp::NotEqual,
            Some("=~") => TextOp::Regex,
            Some("!~") => TextOp::NotRegex,
            _ => return Err(self.unexpected(wanted)),
        };
        self.advance();
        let at = self.position();
        let value = self.text("a text in quotes")?;
        let regex = match op {
            TextOp::Regex | TextOp::NotRegex => {
                Some(Self::regex(at, &value, |re| format!("^(?s:{re})$"))?)
            }
            _ => None,
        };
        Ok(TextTest { op, value, regex })
    }

    /// Stages as long as there are some.
    pub(super) fn stages(&mut self, stages: &mut Vec<Stage>, ending: &mut Ending) -> Parsed<()> {
        loop {
            match self.symbol() {
                Some("|=" | "|~" | "|>" | "!=" | "!~" | "!>") => {
                    self.count_term()?;
                    stages.push(Stage::Line(self.line_filter()?));
                }
                Some("|") => {
                    self.count_term()?;
                    self.advance();
                    self.stage(stages, ending)?;
                }
                _ => return Ok(()),
            }
        }
    }

    fn line_filter(&mut self) -> Parsed<LineFilter> {
        let op = self.symbol().unwrap_or_default();
        self.advance();
        let mut any = vec![self.line_test(op)?];
        while self.word() == Some("or") && matches!(self.ahead(1), Some(Token::Text(_))) {
            self.advance();
            self.count_term()?;
            any.push(self.line_test(op)?);
        }
        Ok(LineFilter {
            negated: op.starts_with('!'),
            any,
        })
    }

    fn line_test(&mut self, op: &str) -> Parsed<LineTest> {
        if op.ends_with('=') && self.word() == Some("ip") {
            return self.ip().map(LineTest::Ip);
        }
        let at = self.position();
        let text = self.text("a text in quotes")?;
        Ok(match op {
            "|~" | "!~" => LineTest::Regex(Self::regex(at, &text, str::to_owned)?),
            "|>" | "!>" => LineTest::Pattern(
                LinePattern::new(&text).map_err(|reason| Failure::new(at, reason))?,
            ),
            _ => LineTest::Contains(text),
        })
    }

    /// `ip("10.0.0.0/8")`
    pub(super) fn ip(&mut self) -> Parsed<IpRange> {
        self.advance();
        let open = self.position();
        self.expect("(")?;
        let at = self.position();
        let text = self.text("an address in quotes")?;
        let range = IpRange::parse(&text).ok_or_else(|| {
            Failure::new(at, format!("`{text}` is no address, range or network"))
                .hint("write ip(\"10.0.0.1\"), ip(\"10.0.0.1-10.0.0.9\") or ip(\"10.0.0.0/8\")")
        })?;
        self.close(")", open)?;
        Ok(range)
    }

    fn stage(&mut self, stages: &mut Vec<Stage>, ending: &mut Ending) -> Parsed<()> {
        let at = self.position();
        if let Some(unwrap) = &mut ending.unwrap {
            // After `unwrap` only filters follow.
            if self.word() == Some("unwrap") || !begins_filter(self) {
                return Err(Failure::new(at, "only label filters may follow `unwrap`"));
            }
            unwrap.filters.push(self.label_filter()?);
            return Ok(());
        }
        if begins_filter(self) {
            stages.push(Stage::Filter(self.label_filter()?));
            return Ok(());
        }
        let Some(word) = self.word() else {
            return Err(self.unexpected("a stage such as `json`, or a label filter"));
        };
        self.advance();
        stages.push(match word {
            "json" => self.json()?,
            "logfmt" => self.logfmt()?,
            "regexp" => self.regexp()?,
            "pattern" => {
                let at = self.position();
                let text = self.text("a pattern in quotes")?;
                let parser =
                    PatternParser::new(&text).map_err(|reason| Failure::new(at, reason))?;
                Stage::Pattern(parser)
            }
            "unpack" => Stage::Unpack,
            "decolorize" => Stage::Decolorize,
            "line_format" => Stage::LineFormat(self.template()?),
            "label_format" => self.label_format()?,
            "drop" => Stage::Drop(self.picked()?),
            "keep" => Stage::Keep(self.picked()?),
            "unwrap" => {
                ending.unwrap = Some(self.unwrap()?);
                return Ok(());
            }
            other => return Err(unknown(at, "stage", other, STAGES)),
        });
        Ok(())
    }

    fn json(&mut self) -> Parsed<Stage> {
        let mut given = Vec::new();
        for (name, path, at) in self.extractions()? {
            let steps = JsonPath::parse(&path).ok_or_else(|| {
                Failure::new(at, format!("`{path}` is no path into JSON"))
                    .hint("write \"request.headers[\\\"User-Agent\\\"]\" or \"servers[0]\"")
            })?;
            given.push((name, path, steps));
        }
        Ok(Stage::Json(given))
    }

    fn logfmt(&mut self) -> Parsed<Stage> {
        let (mut strict, mut keep_empty) = (false, false);
        while let Some(Token::Flag(flag)) = self.peek() {
            match flag.as_str() {
                "--strict" => strict = true,
                "--keep-empty" => keep_empty = true,
                other => {
                    let known = ["--strict", "--keep-empty"];
                    return Err(unknown(self.position(), "flag", other, &known));
                }
            }
            self.advance();
        }
        let fields = self.extractions()?;
        Ok(Stage::Logfmt {
            strict,
            keep_empty,
            fields: fields
                .into_iter()
                .map(|(name, key, _)| (name, key))
                .collect(),
        })
    }

    /// `a="x", b`: labels with what they are read from, and where that is written.
    fn extractions(&mut self) -> Parsed<Vec<(String, String, usize)>> {
        let mut found = Vec::new();
        while self.word().is_some() {
            self.count_term()?;
            let name = self.label()?;
            let at = self.position();
            let from = if self.take("=") {
                self.text("an expression in quotes")?
            } else {
                name.clone()
            };
            found.push((name, from, at));
            if !self.take(",") {
                break;
            }
        }
        Ok(found)
    }

    fn regexp(&mut self) -> Parsed<Stage> {
        let at = self.position();
        let text = self.text("a regular expression in quotes")?;
        let regex = Self::regex(at, &text, str::to_owned)?;
        if regex.capture_names().flatten().next().is_none() {
            return Err(
                Failure::new(at, "no group of the regular expression has a name")
                    .hint("write (?P<status>\\d+)"),
            );
        }
        Ok(Stage::Regexp(regex))
    }

    fn template(&mut self) -> Parsed<Template> {
        let at = self.position();
        let text = self.text("a template in quotes")?;
        Template::parse(&text).map_err(|reason| {
            Failure::new(at, format!("the template is malformed: {}", reason.message))
                .hint(reason.hint)
        })
    }

    fn label_format(&mut self) -> Parsed<Stage> {
        let mut given: Vec<(String, LabelFormat)> = Vec::new();
        loop {
            self.count_term()?;
            let at = self.position();
            let name = self.label()?;
            self.expect("=")?;
            let format = match self.word() {
                Some(of) => {
                    self.advance();
                    LabelFormat::Rename(of.to_owned())
                }
                None => LabelFormat::Template(self.template()?),
            };
            if given.iter().any(|(known, _)| *known == name) {
                return Err(Failure::new(at, format!("`{name}` is formatted twice")));
            }
            given.push((name, format));
            if !self.take(",") {
                return Ok(Stage::LabelFormat(given));
            }
        }
    }

    fn picked(&mut self) -> Parsed<Vec<Picked>> {
        let mut picked = Vec::new();
        loop {
            self.count_term()?;
            let name = self.label()?;
            let test = match self.symbol() {
                Some("=" | "!=" | "=~" | "!~" | "==") => Some(self.text_test("a comparison")?),
                _ => None,
            };
            picked.push(Picked { name, test });
            if !self.take(",") {
                return Ok(picked);
            }
        }
    }
}
