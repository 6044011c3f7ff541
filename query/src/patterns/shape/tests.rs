use proptest::prelude::*;

use super::*;

fn template(text: &str) -> String {
    Shape::of(text).template()
}

#[test]
fn what_varies_by_nature_is_masked() {
    for (text, expected) in [
        (
            "16:48:16.593 INFO  t.s.TravelServiceImpl#459 TraceID: 88ebfbcebbbc0884eabd9178e1808940 [x][num is: Response(status=1, msg=Success)]",
            "<time> INFO t.s.TravelServiceImpl#<num> TraceID: <id> [x][num is: Response(status=<num>, msg=Success)]",
        ),
        (
            "83.149.9.216 - - [17/May/2015:10:05:03 +0000] \"GET /a/b?c=d HTTP/1.1\" 200",
            "<ip> - - [<time> <num>] \"GET /a/b?c=d HTTP/1.1\" <num>",
        ),
        (
            "took 250ms, see https://x.y/z?a=1 (user=bob@example.com)",
            "took <num>, see <url> (user=bob@example.com)",
        ),
        ("stations=[a, b, c, d] end.", "stations=[<list>] end."),
        ("pair [a, b]", "pair [a, b]"),
        ("", ""),
        ("…", "…"),
    ] {
        assert_eq!(template(text), expected);
    }
}

#[test]
fn long_texts_are_cut() {
    let text = "word ".repeat(1_000);
    let shape = Shape::of(&text);
    assert!(shape.template().ends_with('…'));
    assert!(shape.template().len() <= MAX_TEXT + 4);
}

#[test]
fn coarse_shapes_lose_words_step_by_step() {
    let shape = Shape::of("job a1 at /x/y: one two three four five six seven eight nine ten");
    let at = |level| shape.clone().coarse(level).template();
    assert_eq!(at(Coarseness::FirstWords), "job <*> at…");
    assert!(at(Coarseness::PlainWords).starts_with("job <*> at <path>: one two"));
    assert!(at(Coarseness::Beginning).ends_with("eight…"));
    assert_eq!(at(Coarseness::Nothing), "…");
}

proptest! {
    #[test]
    fn a_key_is_its_shape(text in "\\PC*") {
        let shape = Shape::of(&text);
        prop_assert_eq!(shape.gaps.len(), shape.slots.len() + 1);
        prop_assert_eq!(Shape::of_key(&shape.key()), shape);
    }

    #[test]
    fn a_coarse_shape_is_that_of_the_level_before(text in "[a-z0-9/ :,=]{0,80}") {
        let mut step = Shape::of(&text);
        let mut level = Coarseness::Words;
        for _ in 0..5 {
            level = level.next();
            step = step.coarse(level);
            prop_assert_eq!(&step, &Shape::of(&text).coarse(level));
        }
    }
}
