#!/usr/bin/env python3
"""Tests of the oracle's own parts; none of them needs coil, or a CPython newer than 3.11."""

import sys

sys.dont_write_bytecode = True  # the source tree stays as it is

import gzip
import hashlib
import subprocess
import tempfile
import unittest
from collections import Counter
from pathlib import Path

import generate as generator
import program
import record
from deviations import Deviation, explain
from generate import Generator, generate
from interpreters import Interpreter
from shrink import shrink

HERE = Path(__file__).resolve().parent

CORE_OPERATIONS = set(
    "adddone ascomp at await busy cancel cancelling exception expired gather gatherc gatherw hcancel later "
    "newfut raise rep resched result return rmdone setexc setres shield sleep soon soonts spawn state tg "
    "tgspawn timeout try uncancel wait waitfor waitforc".split()
)

# SHA-1 of the texts of the programs 0 to 199, one after the other.
PROGRAM_HASHES = {
    "": "a984a0cdb4a193cd317d567f67c6131df23668b0",
    "e": "960da654ae032308190f2c1ab4c9af68dec4c873",
    "q": "22b87d0225574bb9341d2f84688553d3fda65650",
    "eq": "4e9eaea990c4d5a861c9ed2a3a25501c1114d170",
    "c": "adf9f91e4d126b612b97fc4d8ba8a1ef3aba2d9b",
    "ce": "3eafc84b0c84adcce44f2a64ae84ecff4bf251ae",
}

SMALL = """(prog
 (co 0 (spawn 0 1) (await 1 0) (await 0 0))
 (co 1 (sleep 1 2) (raise 7))
 (ext 1 (cancel 0 3)))
"""

SMALL_TRACE = """\
I1 t0 T0 start C0
I1 t0 T0 spawn 0 1 = T1
I2 t0 T1 start C1
I3 t1 - cancel 0 3 = 1
I4 t1 T1 sleep 2 = Cancelled:m3
I4 t1 T1 end C1 = Cancelled:m3
I5 t1 T0 await 0 = Cancelled:m3
I5 t1 T0 end C0 = Cancelled:m3
I6 t1 * MAIN Cancelled:m3
I6 t1 * CLEANUP ok
I6 t1 T0 final cancelled
I6 t1 T1 final cancelled cancelling=1
"""


def features_hash(features: str) -> str:
    texts = (program.dump(generate(seed, features)) for seed in range(200))
    return hashlib.sha1("".join(texts).encode()).hexdigest()


class ProgramText(unittest.TestCase):
    def test_parse_reads_what_dump_writes(self):
        for seed in range(100):
            made = generate(seed, "eq")
            self.assertEqual(program.parse(program.dump(made)), made)

    def test_text_that_is_no_program_is_refused(self):
        for text in (
            "",
            "(prog",
            "(prog))",
            "(prog) (prog)",
            "prog",
            "(other)",
            "(prog (co 0 (sleep 1 -)))",
            "(prog (rep 1x))",
        ):
            with self.subTest(text), self.assertRaises(program.Malformed):
                program.parse(text)

    def test_operations_are_found_at_any_depth(self):
        body = "(try err ((rep 2 ((soon 1 ((cancel 0)))))) () ((raise 1)))"
        text = f"(prog (lock) (co 0 {body}) (ext 3 (state 1)))"
        self.assertEqual(
            program.operations(program.parse(text)),
            {"lock", "try", "rep", "soon", "cancel", "raise", "state"},
        )


class ProgramsOfSeeds(unittest.TestCase):
    def test_programs_are_those_recorded(self):
        for features, expected in PROGRAM_HASHES.items():
            with self.subTest(features):
                self.assertEqual(features_hash(features), expected)

    def test_seeds_may_be_large(self):
        self.assertNotEqual(generate(1 << 40), generate((1 << 40) + 1))

    def test_core_programs_have_all_core_operations_and_no_others(self):
        for features in ("c", "ce"):
            found = set()
            for seed in range(1500):
                names = program.operations(generate(seed, features))
                self.assertLessEqual(names, CORE_OPERATIONS, f"seed {seed}")
                found |= names
            self.assertEqual(found, CORE_OPERATIONS)

    def test_an_alternative_passed_over_draws_as_many_numbers_as_one_made(self):
        for seed in range(50):
            g = Generator(seed, "eq")
            g.program()
            g.coroutine = 0
            for table in (generator.ACTIONS, generator.AWAITS, generator.WITH_CONDITION):
                for alternative in (a for row in table for a in row.alternatives):
                    start = g.random.position
                    alternative.pass_over(g)
                    passed = g.random.position
                    g.random.position = start
                    alternative.make(g)
                    self.assertEqual(g.random.position, passed, f"{alternative.name}, seed {seed}")


class Traces(unittest.TestCase):
    def oracle(self, *arguments: str, given: str = "") -> subprocess.CompletedProcess:
        command = [sys.executable, "-B", str(HERE / "oracle.py"), *arguments]
        return subprocess.run(command, input=given, capture_output=True, text=True, check=False)

    def test_a_small_program_has_the_trace_it_should_have(self):
        self.assertEqual(self.oracle("run", "-", given=SMALL).stdout, SMALL_TRACE)

    def test_rank_forgets_idle_iterations(self):
        iterations = [
            line.split()[0] for line in self.oracle("run", "-", "--rank", given=SMALL).stdout.splitlines()
        ]
        self.assertEqual(list(dict.fromkeys(iterations)), ["I0", "I1", "I2", "I3", "I4", "I5"])

    def test_noiter_leaves_iterations_out(self):
        expected = "".join(line.split(" ", 1)[1] + "\n" for line in SMALL_TRACE.splitlines())
        self.assertEqual(self.oracle("run", "-", "--noiter", given=SMALL).stdout, expected)

    def test_an_unknown_operation_is_unsupported(self):
        done = self.oracle("run", "-", given="(prog (co 0 (fly 1)))")
        self.assertEqual((done.returncode, done.stderr), (3, "unsupported fly\n"))

    def test_a_batch_answers_each_program_with_its_own_trace(self):
        texts = [program.dump(generate(seed, "c")) for seed in range(70)]
        batch = Interpreter([sys.executable, "-B", str(HERE / "oracle.py"), "batch", "--fifo"], timeout_s=60)
        together = [batch.run(text) for text in texts]
        batch.stop()
        self.assertEqual({answer.kind for answer in together}, {"trace"})
        for seed in (0, 33, 69):
            self.assertEqual(self.oracle("run", "-", "--fifo", given=texts[seed]).stdout, together[seed].text)


class ChildProcesses(unittest.TestCase):
    """Interpreters that misbehave."""

    def ask(self, script: str, times: int = 1, timeout_s: float = 20):
        child = Interpreter([sys.executable, "-B", "-c", script], timeout_s)
        self.addCleanup(child.stop)
        return [child.run("(prog)\n") for _ in range(times)]

    def test_a_crash_is_told_with_its_signal_and_last_words(self):
        script = "import os, signal; input(); os.write(2, b'alas'); os.kill(os.getpid(), signal.SIGSEGV)"
        for answer in self.ask(script, times=2):
            self.assertEqual(answer.kind, "crash SIGSEGV")
            self.assertIn("alas", answer.text)

    def test_a_hang_is_told_and_the_child_restarted(self):
        script = "import time; time.sleep(60)"
        self.assertEqual(
            [answer.kind for answer in self.ask(script, times=2, timeout_s=0.2)], ["hang", "hang"]
        )

    def test_an_early_end_is_told(self):
        self.assertEqual(self.ask("raise SystemExit(5)")[0].kind, "end")

    def test_nonsense_is_told(self):
        self.assertEqual(self.ask("print('hello', flush=True); input(); input()")[0].kind, "nonsense")

    def test_exit_codes_are_told(self):
        script = "import sys\nfor code in (3, 9): input(); input(); print(f'trace 2 {code}\\nx', flush=True)"
        self.assertEqual([answer.kind for answer in self.ask(script, times=2)], ["unsupported", "exit 9"])


class Shrinking(unittest.TestCase):
    """The fake interpreters are predicates."""

    def test_what_is_left_is_what_it_takes(self):
        def cancels_and_raises(candidate):
            return {"cancel", "raise"} <= program.operations(candidate)

        shrunk = 0
        for seed in range(40):
            made = generate(seed, "ce")
            if not cancels_and_raises(made):
                continue
            small = shrink(made, cancels_and_raises)
            names = Counter(s[0] for body in program.bodies(small) for s in program.statements(body))
            self.assertEqual(names, Counter(["cancel", "raise"]), program.dump(small))
            self.assertEqual([item for item in small[1:] if item[0] not in ("co", "ext")], [])
            shrunk += 1
        self.assertGreater(shrunk, 10)

    def test_coroutines_that_are_started_stay(self):
        made = program.parse(
            "(prog (sem 1) (event) (co 0 (sleep 1 6) (spawn 0 2)) (co 1 (ewait 1 0)) (co 2 (sacq 1 0)))"
        )
        small = shrink(made, lambda p: {"spawn", "sacq"} <= program.operations(p))
        self.assertEqual(small, program.parse("(prog (sem 1) (co 0 (spawn 0 2)) (co 2 (sacq 1 0)))"))

    def test_blocks_give_way_to_their_inside(self):
        made = program.parse("(prog (co 0 (timeout 0 3 ((try err ((rep 3 ((busy 4)))) ((state 0)) ())))))")
        small = shrink(made, lambda p: "busy" in program.operations(p))
        self.assertEqual(small, program.parse("(prog (co 0 (busy 0)))"))

    def test_tries_are_limited(self):
        made = generate(3, "ce")
        tried = []
        shrink(made, lambda p: tried.append(p) or True, max_tries=2)
        self.assertEqual(len(tried), 2)

    def test_the_program_given_is_left_alone(self):
        made = generate(3, "ce")
        shrink(made, lambda p: True)
        self.assertEqual(made, generate(3, "ce"))


class Deviations(unittest.TestCase):
    TABLE = (
        Deviation(
            "clock",
            "for the test",
            lambda p: "busy" in program.operations(p),
            lambda lines: [l[3:] for l in lines],
        ),
    )

    def test_a_deviation_explains_what_its_normaliser_makes_equal(self):
        busy = program.parse("(prog (co 0 (busy 1)))")
        self.assertEqual(explain(busy, "t1 a\nt2 b\n", "t1 a\nt3 b\n", self.TABLE), ["clock"])
        self.assertEqual(explain(busy, "t1 a\nt2 b\n", "t1 a\nt3 c\n", self.TABLE), [])

    def test_a_deviation_explains_nothing_in_other_programs(self):
        self.assertEqual(explain(program.parse("(prog (co 0))"), "t1 a\n", "t2 a\n", self.TABLE), [])


class Recordings(unittest.TestCase):
    def test_rare_things_are_chosen_before_early_ones(self):
        common = [record.Recording(seed, "c", "p", "I1 t0 T0 state 0 = done\n") for seed in range(100)]
        rare = record.Recording(100, "c", "p", "I1 t0 T0 state 0 = cancelled\n")
        chosen = record.choose([*common, rare], record.ENOUGH + 5)
        self.assertEqual(len(chosen), record.ENOUGH + 5)
        self.assertIn(rare, chosen)

    def test_a_corpus_is_written_as_described(self):
        with tempfile.TemporaryDirectory() as directory:
            path = Path(directory) / "corpus.gz"
            record.write(
                [record.Recording(7, "", "(prog)\n", "I1\n"), record.Recording(8, "ce", "(prog)\n", "I2\n")],
                path,
            )
            with gzip.open(path, "rt") as file:
                self.assertEqual(file.read(), "program 7 - 7 3\n(prog)\nI1\nprogram 8 ce 7 3\n(prog)\nI2\n")


if __name__ == "__main__":
    unittest.main()
