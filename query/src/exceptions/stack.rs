//! Stack traces as lists of frames without line numbers, the innermost first.
//!
//! Lines are told apart by how the runtimes of Java, .NET, JavaScript, Python, Go, Ruby, PHP and Rust write them;
//! what is none of them is no frame.

use crate::patterns::is_id;

/// Frames kept; deeper ones are the frame of the server most of the time.
const MAX_FRAMES: usize = 40;
/// Bytes of a stack trace that are looked at, and of a frame.
const MAX_STACK: usize = 64 << 10;
const MAX_FRAME: usize = 200;

/// The frames of a stack trace; empty if it has none that are known.
pub(crate) fn frames_of(stack: &str) -> Vec<String> {
    let end = stack.floor_char_boundary(MAX_STACK);
    let stack = stack.get(..end).unwrap_or_default();
    let lines: Vec<&str> = stack.lines().collect();
    let mut frames: Vec<String> = Vec::new();
    let mut innermost_last = false;
    for (at, line) in lines.iter().enumerate() {
        let next = lines.get(at + 1).copied().unwrap_or_default();
        innermost_last |= line.starts_with("Traceback (most recent call last)");
        let Some(frame) = frame_of(line, next) else {
            continue;
        };
        let frame = normalised(&frame);
        // A recursion is as deep as its input.
        if frames.last() != Some(&frame) {
            frames.push(frame);
        }
    }
    if innermost_last {
        frames.reverse();
    }
    frames.truncate(MAX_FRAMES);
    frames
}

fn frame_of(line: &str, next: &str) -> Option<String> {
    let text = line.trim();
    if let Some(cause) = text.strip_prefix("Caused by: ") {
        let kind = cause.split_once(':').map_or(cause, |(kind, _)| kind);
        return Some(format!("caused by {kind}"));
    }
    if let Some(call) = text.strip_prefix("at ") {
        return Some(called(call));
    }
    if let Some(place) = text.strip_prefix("File \"") {
        let (file, rest) = place.split_once('"')?;
        let function = rest.rsplit_once(" in ").map_or("", |(_, name)| name);
        return Some(format!("{function} ({})", file_name(file)));
    }
    if let Some((place, name)) = text.split_once(":in ") {
        let name = name.trim_matches(['\'', '`']);
        return Some(format!("{name} ({})", file_name(without_position(place))));
    }
    let numbered = text
        .strip_prefix('#')
        .unwrap_or(text)
        .trim_start_matches(|letter: char| letter.is_ascii_digit());
    if numbered.len() < text.len()
        && let Some(name) = numbered.strip_prefix(": ").or(numbered.strip_prefix(' '))
    {
        return Some(match name.split_once("): ") {
            // PHP: `#0 /app/x.php(12): f()`
            Some((place, name)) => {
                let file = place.split_once('(').map_or(place, |(file, _)| file);
                format!("{} ({})", before_arguments(name), file_name(file))
            }
            None => before_arguments(name).to_owned(),
        });
    }
    // Go writes the place on a line of its own.
    let is_go = line.ends_with(')') && next.starts_with('\t') && next.contains(".go:");
    is_go.then(|| before_last_arguments(text).to_owned())
}

/// What comes after `at `: `f (/app/x.js:1:2)`, `a.B.f(B.java:12)`, `/app/x.js:1:2`, `N.C.F(String s) in /x.cs:line 1`.
fn called(call: &str) -> String {
    let call = call.split_once(" in /").map_or(call, |(call, _)| call);
    match call.split_once(" (") {
        Some((name, place)) if !place.contains(' ') => {
            let place = place.trim_end_matches(')');
            format!("{name} ({})", file_name(without_position(place)))
        }
        _ if call.contains('(') => before_arguments(call).to_owned(),
        _ => file_name(without_position(call)).to_owned(),
    }
}

fn before_arguments(call: &str) -> &str {
    call.split_once('(').map_or(call, |(name, _)| name).trim()
}

/// Go's methods have parentheses of their own: `main.(*Server).serve(0x1)`.
fn before_last_arguments(call: &str) -> &str {
    call.rsplit_once('(').map_or(call, |(name, _)| name).trim()
}

/// Without `:12:5` at the end.
fn without_position(place: &str) -> &str {
    place.trim_end_matches(|letter: char| letter.is_ascii_digit() || letter == ':')
}

/// The last two parts of a path: folders above differ between hosts.
fn file_name(path: &str) -> &str {
    let mut slashes = path
        .char_indices()
        .rev()
        .filter(|(_, letter)| matches!(letter, '/' | '\\'));
    match slashes.nth(1) {
        Some((at, _)) => path.get(at + 1..).unwrap_or(path),
        None => path,
    }
}

/// With generated names masked: those of proxies, lambdas and hashed modules.
fn normalised(frame: &str) -> String {
    let mut out = String::with_capacity(frame.len());
    let mut rest = frame;
    while !rest.is_empty() && out.len() < MAX_FRAME {
        let len = rest
            .find(|letter: char| !letter.is_alphanumeric())
            .unwrap_or(rest.len());
        let (part, after) = rest.split_at(len);
        let numeric = !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        out.push_str(if numeric {
            "<num>"
        } else if is_id(part) {
            "<id>"
        } else {
            part
        });
        let mut letters = after.chars();
        out.extend(letters.next());
        rest = letters.as_str();
    }
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn frames_of_many_runtimes_have_no_line_numbers() {
        for (stack, frames) in [
            (
                "java.lang.IllegalStateException: no\n\tat a.b.C.run(C.java:12)\n\tat a.b.C$$EnhancerBySpringCGLIB$$1f2e3d4c.run(<generated>)\n\tat a.b.C.lambda$go$0(C.java:7)\n\t... 12 more\nCaused by: java.io.IOException: broken\n\tat x.Y.read(Y.java:1)",
                &[
                    "a.b.C.run",
                    "a.b.C$$EnhancerBySpringCGLIB$$<id>.run",
                    "a.b.C.lambda$go$<num>",
                    "caused by java.io.IOException",
                    "x.Y.read",
                ][..],
            ),
            (
                "Traceback (most recent call last):\n  File \"/app/main.py\", line 3, in <module>\n    f()\n  File \"/app/lib/db.py\", line 9, in connect\n    raise X",
                &["connect (lib/db.py)", "<module> (app/main.py)"],
            ),
            (
                "TypeError: x\n    at pay (/srv/app/pay.js:10:5)\n    at /srv/app/index.js:1:2\n    at async Promise.all (index 0)",
                &["pay (app/pay.js)", "app/index.js", "async Promise.all"],
            ),
            (
                "goroutine 7 [running]:\nmain.(*Server).serve(0xc000, 0x1)\n\t/src/main.go:12 +0x1d\nmain.main()\n\t/src/main.go:4 +0x2",
                &["main.(*Server).serve", "main.main"],
            ),
            (
                "   at Shop.Cart.Add(String id) in /src/Cart.cs:line 4\n   at Shop.Program.Main(String[] args)",
                &["Shop.Cart.Add", "Shop.Program.Main"],
            ),
            (
                "/app/lib/x.rb:12:in 'pay'\n/app/y.rb:1:in `<main>'",
                &["pay (lib/x.rb)", "<main> (app/y.rb)"],
            ),
            (
                "#0 /app/x.php(12): Shop\\pay(1)\n#1 {main}",
                &["Shop\\pay (app/x.php)", "{main}"],
            ),
            (
                "   0: core::panicking::panic_fmt\n             at ./src/x.rs:1:2\n   1: shop::pay",
                &["core::panicking::panic_fmt", "src/x.rs", "shop::pay"],
            ),
            ("nothing of the kind", &[]),
        ] {
            assert_eq!(frames_of(stack), frames, "{stack}");
        }
    }

    #[test]
    fn a_recursion_is_one_frame_and_depth_has_an_end() {
        let deep = "\tat a.B.f(B.java:1)\n".repeat(5_000);
        assert_eq!(frames_of(&deep), ["a.B.f"]);
        let different: Vec<String> = (0..5_000)
            .map(|at| format!("\tat a.B.f{at}x(B.java:1)"))
            .collect();
        let different = different.join("\n");
        assert_eq!(frames_of(&different).len(), MAX_FRAMES);
    }

    proptest! {
        #[test]
        fn any_text_is_read(text in "(\\PC|\n|\t|:in |at |\\(|\\)|#1){0,60}") {
            frames_of(&text);
        }
    }
}
