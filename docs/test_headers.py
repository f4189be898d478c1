#!/usr/bin/env python3
"""What headers.py understands of a header, and what doxygen_filter.py makes of it."""

import sys
import tempfile
import unittest
from pathlib import Path

sys.dont_write_bytecode = True  # nothing is left in the source tree

from doxygen_filter import Filter, mark_code  # noqa: E402
from headers import Api, Item  # noqa: E402

HEADER = """\
/* What the header is for. */
#ifndef COIL_X_H
#define COIL_X_H

/* ---- a section ---------------------------------- */

/* Options of a run. */
struct coil_run_options {
    size_t size;
    void *arg;
    bool debug; /* finds mistakes */
    int (*compare)(const void *a, const void *b);
    void *own_[2];
};

/* Runs it. Options: .debug .compare.
 * asyncio: run. */
#define coil_run(main, ...) \\
    coil_run_with((main), &(struct coil_run_options){.size = sizeof(struct coil_run_options), .arg = __VA_ARGS__})
COIL_API int coil_run_with(coil_fn *main, const struct coil_run_options *options);

/* How coil_all does it. */
struct coil_all_options {
    size_t size;
    int *const *things; /* all of them */
    size_t n;           /* how many those are */
    bool twice;         /* does it again */
};

/* Does it to all. Options: .twice. */
#define coil_all(...) \\
    coil_all_with(&(struct coil_all_options){.size = sizeof(struct coil_all_options), .things = __VA_ARGS__})
COIL_API int coil_all_with(const struct coil_all_options *options);

/* Takes one, gives one back. */
COIL_API void coil_ref(int *x);
COIL_API void coil_unref(int *x);

/* Another one.
 *
 *     coil_ref(&x);
 */
COIL_API void coil_other(void);

COIL_API void coil_mute(void);

/* This is about the function. */
struct coil_later;
COIL_API int coil_print(struct coil_later *x, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Asks for it. */
#define coil_ask(callback) coil_ask_from((callback), &(const struct coil_site){__FILE__, __func__, __LINE__})
COIL_API int coil_ask_from(coil_callback *callback, const struct coil_site *site);

enum coil_kind {
    COIL_ONE = 1, /* the first */
    COIL_TWO
};

#endif
"""


class Headers(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        path = Path(folder.name) / "x.h"
        path.write_text(HEADER, encoding="utf-8")
        self.api = Api([path])
        self.text = Filter(self.api).header(self.api.headers[0])

    def comment(self, name: str) -> str:
        return " ".join(self.api.functions[name].comment)

    def test_the_first_comment_is_the_headers(self) -> None:
        self.assertEqual(self.api.headers[0].comment, ["What the header is for."])

    def test_a_comment_belongs_to_what_follows(self) -> None:
        self.assertTrue(self.comment("coil_other").startswith("Another one."))

    def test_functions_without_a_line_between_share_a_comment(self) -> None:
        self.assertEqual(self.comment("coil_ref"), "Takes one, gives one back.")
        self.assertEqual(self.comment("coil_unref"), "Takes one, gives one back.")

    def test_a_function_after_an_empty_line_has_no_comment(self) -> None:
        self.assertEqual(self.comment("coil_mute"), "")

    def test_a_forward_declaration_passes_the_comment_on(self) -> None:
        self.assertEqual(self.comment("coil_print"), "This is about the function.")

    def test_members_have_the_comments_behind_them(self) -> None:
        members = {member.name: member.comment for member in self.api.structs["coil_run_options"].members}
        self.assertEqual(members, {"size": "", "arg": "", "debug": "finds mistakes", "compare": "", "own_": ""})

    def test_a_macro_is_shown_as_the_function_that_it_stands_for(self) -> None:
        self.assertIn("\nint coil_run(coil_fn *main, void *arg, ...);", self.text)
        self.assertIn("\nint coil_ask(coil_callback *callback);", self.text)

    def test_how_many_there_are_is_an_argument_too(self) -> None:
        self.assertIn("\nint coil_all(int *const *things, size_t n, ...);", self.text)
        self.assertIn("- `.twice` (`bool`): does it again", self.text)
        self.assertNotIn("- `.n`", self.text)

    def test_named_options_are_listed_once(self) -> None:
        self.assertIn("- `.debug` (`bool`): finds mistakes", self.text)
        self.assertIn("- `.compare` (`int (*compare)(const void *a, const void *b)`)", self.text)
        self.assertNotIn("Options: .debug", self.text)
        self.assertNotIn("- `.arg`", self.text)

    def test_the_wrapped_function_says_what_it_is(self) -> None:
        self.assertIn("The function that the macro coil_run() calls", self.text)

    def test_what_is_the_librarys_own_is_left_out(self) -> None:
        self.assertNotIn("own_", self.text)

    def test_attributes_are_left_out(self) -> None:
        self.assertIn("\nint coil_print(struct coil_later *x, const char *format, ...);", self.text)

    def test_indented_lines_are_code(self) -> None:
        self.assertIn(" * @code{.c}\n * coil_ref(&x);\n * @endcode", self.text)

    def test_what_it_is_elsewhere_stands_apart(self) -> None:
        self.assertIn(" *\n * *asyncio:* run.\n", self.text)

    def test_code_in_sentences_is_marked(self) -> None:
        text = "coil_ref gives -EINVAL for NULL, as in coil_run(x, y) with .debug."
        marked = mark_code(text, {"coil_ref", "coil_run"})
        self.assertEqual(marked, "coil_ref() gives `-EINVAL` for `NULL`, as in `coil_run(x, y)` with `.debug`.")

    def test_constants_keep_their_comments(self) -> None:
        kind = next(item for item in self.api.headers[0].items if item.name == "coil_kind")
        self.assertIsInstance(kind, Item)
        self.assertEqual([(m.name, m.comment) for m in kind.members], [("COIL_ONE", "the first"), ("COIL_TWO", "")])


if __name__ == "__main__":
    unittest.main()
