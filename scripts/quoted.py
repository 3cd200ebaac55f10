#!/usr/bin/env python3
"""Holds what the book quotes of programs that train for long to what they have printed.

    scripts/quoted.py DIRECTORY PROGRAM...     DIRECTORY has PROGRAM.out, what each has printed, and its
                                               progress in PROGRAM.out.err, if that went elsewhere
    scripts/quoted.py TRANSCRIPT               the same of a file in which each output follows the line of
                                               its command, as in a terminal: of every program in it
    scripts/quoted.py --write DIRECTORY PROGRAM...   writes the quotations anew
    scripts/quoted.py --prove DIRECTORY PROGRAM...   changes each quoted word and number, and each line,
                                                     and says which change goes unnoticed

`docs/mnist.txt` is such a transcript, of programs that learn from data which this repository may not
ship; `scripts/mnist_outputs` writes it.

A quotation is a block of console that begins with the command, as everywhere in the book:
`$ cargo run --release --example PROGRAM`, with the arguments that a PROGRAM in quotes has. Lines of `…`
stand for what is left out; without them it begins at the first line and ends at the last. A table
behind `<!-- printed: PROGRAM -->` is quoted, too: each of its rows is a line, in other clothes.

Words, layout and whole numbers must be the same. The numbers that come out of a training need not be:
another processor takes its sums in another order, the last bits differ, each step multiplies what it
is given, and in the end it is as if the run had had another seed. So such a number may differ by as
much as the same number does among seeds:

- in `0.963 (0.957 to 0.968)` and in `mean 0.5, lowest 0.4, highest 0.6`, by the highest less the lowest;
- in a table by seeds, by the highest less the lowest of its column;
- where such a number is repeated in a sentence below, as there;
- of a run whose seeds are not shown, by what SPREAD says;
- how many answers are right, as in `Epoch 3: 345 / 359`, by 2 in a hundred;
- any other number with a point or an exponent by 2 in a hundred, or by one in its last place: it is from
  before a training, or the mean of many things.

That is the most that it may be. A processor without AVX (`qemu-x86_64 -cpu Nehalem`) printed all figures of
`digits` as one with AVX-512, and those of `optimizers` but for a 0.0273 in the place of 0.0272.
"""

import argparse
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

# What the seeds of a program differ by where it shows one run only: for lines that match, in the order
# of their numbers, without whole ones.
SPREAD = {
    # What rounding leaves over.
    "custom_op": [(r"check: ", [0.0, 0.0, 1e-11])],
    "optimizers": [(r"│ L-BFGS .*e-", [1e-20])],
    # Loss and accuracy of training and of test images: the highest less the lowest of five runs with the
    # seeds 0 to 4, at the epochs that are quoted.
    "mnist --data DIR --preset nielsen": [
        (r"epoch +[123] ", [0.0454, 0.0885, 0.0497, 0.0928]),
        (r"epoch +\d\d ", [0.0029, 0.0038, 0.0041, 0.006]),
        (r"test accuracy ", [0.006, 0.0]),
    ],
    "mnist --data DIR --preset relu": [
        (r"epoch ", [0.0085, 0.0032, 0.0202, 0.0054]),
        (r"test accuracy ", [0.0049, 0.0]),
    ],
}

# Programs of which the book quotes the progress, too.
TELLS_PROGRESS = ["digits"]

# The line of a command.
COMMAND = re.compile(r"\$ cargo run (?:.* )?--example ([\w]+)(?: -- (.*))?")

# How many answers are right.
RIGHT = re.compile(r"Epoch \d+: (\d+) / \d+")

# A path as the compiler puts it together, of an example that stands beside the crates.
ASIDE = re.compile(r"crates/\w+/\.\./\.\./")

NUMBER = re.compile(r"(?<![\w.])-?\d+(?:\.\d+)?(?:e-?\d+)?(?![\w.]*\w)")
OF_SEEDS = re.compile(r"mean (\S+), lowest (\S+), highest (\S+?)(?:,|$)|(\S+) \((\S+) to (\S+?)\)")


class Line:
    """A line in words and numbers, and how much each number may differ."""

    def __init__(self, text):
        self.text = text.rstrip()
        self.numbers = [found.group() for found in NUMBER.finditer(self.text)]
        self.words = NUMBER.split(self.text)
        self.may = [base(number) for number in self.numbers]

    def widen(self, at, by):
        self.may[at] = max(self.may[at], by)


def base(number):
    """What any number may differ by."""
    if "." not in number and "e" not in number:
        return 0.0
    places = len(number.split("e")[0].partition(".")[2])
    last = 10.0**-places * (10.0 ** int(number.partition("e")[2]) if "e" in number else 1.0)
    return max(0.02 * abs(float(number)), 1.001 * last)


def printed(text, program):
    """The lines of an output, each number with what it may differ by."""
    lines = [Line(line) for line in ASIDE.sub("", text).strip("\n").split("\n")]
    for line in lines:
        if RIGHT.fullmatch(line.text):
            line.widen(1, max(1.0, 0.02 * float(line.numbers[1])))
    start = 0
    for end in range(len(lines) + 1):
        if end == len(lines) or not lines[end].text:
            widened(lines[start:end])
            start = end + 1
    for line in lines:
        for pattern, spreads in SPREAD.get(program, ()):
            if re.match(pattern, line.text):
                measured = [i for i, number in enumerate(line.numbers) if base(number)]
                for at, spread in zip(measured, spreads, strict=True):
                    line.widen(at, spread)
    return lines


def output_of(path, program):
    """What a person has seen who ran the program: its progress, which is no output, and the output."""
    progress = path.with_name(path.name + ".err")
    text = progress.read_text() if program in TELLS_PROGRESS and progress.exists() else ""
    return printed(text + path.read_text(), program)


def outputs_of(transcript):
    """The output of each program of a transcript, by the program and its arguments."""
    found, lines = {}, transcript.read_text().split("\n")
    starts = [at for at, line in enumerate(lines) if COMMAND.fullmatch(line)]
    for start, end in zip(starts, [*starts[1:], len(lines)], strict=True):
        program = " ".join(filter(None, COMMAND.fullmatch(lines[start]).groups()))
        found[program] = printed("\n".join(lines[start + 1 : end]), program)
    return found


def widened(paragraph):
    """Gives the numbers of a paragraph what they differ by among seeds, as far as it shows that."""
    known = {}
    for line in paragraph:
        at = 0
        for found in OF_SEEDS.finditer(line.text):
            three = [number for number in found.groups() if number]
            spread = float(three[2]) - float(three[1])
            at = line.numbers.index(three[0], at)
            for i in range(3):
                line.widen(at + i, spread)
                known[three[i]] = max(known.get(three[i], 0.0), spread)
            # The spread itself is a measured number, too.
            places = len(three[2].partition(".")[2])
            known[f"{spread:.{places}f}"] = spread
            at += 3
    for rows in tables(paragraph):
        for at, column in enumerate(zip(*(row.numbers for row in rows), strict=True)):
            if at == 0 or any("e" in number for number in column):
                continue  # The seeds; gradients before a training.
            spread = max(map(float, column)) - min(map(float, column))
            if "." not in column[0]:
                spread = max(spread, 1.0)
            for row in rows:
                row.widen(at, spread)
                known[row.numbers[at]] = max(known.get(row.numbers[at], 0.0), spread)
    for line in paragraph:
        for at, number in enumerate(line.numbers):
            if "." in number:
                line.widen(at, known.get(number, 0.0))


def tables(paragraph):
    """The rows of the tables by seeds."""
    for head, line in enumerate(paragraph):
        if line.text.startswith("seed "):
            rows = []
            for row in paragraph[head + 1 :]:
                if not re.match(r" *\d+ ", row.text):
                    break
                rows.append(row)
            yield rows


def alike(quoted, line):
    """Whether a quoted line is a printed one."""
    quoted = Line(quoted) if isinstance(quoted, str) else quoted
    if quoted.text == line.text:
        return True
    if len(quoted.numbers) != len(line.numbers):
        return False
    for shown, number, may in zip(quoted.numbers, line.numbers, line.may, strict=True):
        if shown != number and (not may or abs(float(shown) - float(number)) > may):
            return False
        if may and shape(shown) != shape(number):
            return False
    if list(map(len, quoted.numbers)) == list(map(len, line.numbers)):
        return quoted.words == line.words
    return [word.split() for word in quoted.words] == [word.split() for word in line.words]


def shape(number):
    """How many decimals a number has, and whether it has an exponent; which, if it is 0."""
    digits, e, exponent = number.partition("e")
    return len(digits.partition(".")[2]), e, "" if float(number) else exponent


def parts(quotation):
    """The lines between those of `…`."""
    found = [[]]
    for line in quotation:
        if line.strip() == "…":
            found.append([])
        else:
            found[-1].append(line)
    return found


def places(quotation, lines):
    """Where each part of a quotation stands among the lines, or what does not stand there."""
    found, at, all_parts = [], 0, parts(quotation)
    for number, part in enumerate(all_parts):
        first, last = number == 0, number == len(all_parts) - 1
        length = len(part)
        starts = range(at, len(lines) - length + 1)
        if first:
            starts = [0] if length <= len(lines) else []
        if last and part:
            starts = [start for start in starts if start == len(lines) - length]
        fits = (s for s in starts if all(map(alike, part, lines[s : s + length])))
        start = next(fits, None)
        if start is None:
            return None, complaint(part, lines, starts)
        found.append(start)
        at = start + length
    return found, None


def complaint(part, lines, starts):
    """What differs at the place that fits best."""
    def fitting(start):
        return sum(map(alike, part, lines[start : start + len(part)]))

    if not starts:
        return f"quoted are {len(part)} lines in a row; it has printed {len(lines)} in all"
    start = max(starts, key=fitting)
    for quoted, line in zip(part, lines[start:]):
        if not alike(quoted, line):
            return f"quoted:  {quoted}\nprinted: {line.text}"
    return "something is left out before or after it without a …"


def row(text):
    """A row of a table, of Markdown's or of a terminal's, as the words of its cells."""
    return " ".join(text.replace("|", " ").replace("│", " ").split())


def framed(lines):
    """The tables in frames, each as its rows."""
    rows = []
    for line in lines:
        if line.text.startswith("│"):
            rows.append(Line(row(line.text)))
            rows[-1].may = line.may
        elif line.text.startswith("└"):
            yield rows
            rows = []


class Quotation:
    """A quotation of the book: of what program, and from which line to which."""

    def __init__(self, path, program, start, lines, is_table):
        self.path, self.program, self.start = path, program, start
        self.lines, self.is_table = lines, is_table

    def wrong(self, output, lines=None):
        """What does not hold, or None."""
        quoted = self.lines if lines is None else lines
        if not self.is_table:
            return places(quoted, output)[1]
        rows = [row(line) for line in quoted if not set(line) <= set("|-: ")]
        if any(len(rows) == len(table) and all(map(alike, rows, table)) for table in framed(output)):
            return None
        for shown in rows:
            if not any(alike(shown, line) for table in framed(output) for line in table):
                return f"quoted:  {shown}\nand no such row is printed"
        return "no table is printed that has these rows in this order, and no other"

    def other_numbers(self, output):
        """The lines that hold, with other numbers than were printed."""
        seen = {row(line.text) for line in output}
        skipped = lambda line: line.strip() == "…" or set(line) <= set("|-: ")
        return [line for line in self.lines if not skipped(line) and row(line) not in seen]

    def anew(self, output):
        """The quotation as it should be, where that can be said: not of a part that has another form."""
        if self.is_table:
            return None
        if all(line.strip() != "…" for line in self.lines):
            return [line.text for line in output]
        starts, wrong = places(self.lines, output)
        if wrong:
            return None
        lines = []
        for start, part in zip(starts, parts(self.lines), strict=True):
            lines += ["…", *(line.text for line in output[start : start + len(part)])]
        return lines[1:]


def quotations(path):
    """The quotations of a chapter, of all programs that are called by `cargo run --example`."""
    lines = path.read_text().split("\n")
    for at, line in enumerate(lines):
        table = re.fullmatch(r"<!-- printed: (.+) -->", line)
        if table:
            end = next(end for end in range(at + 1, len(lines)) if not lines[end].startswith("|"))
            yield Quotation(path, table[1], at + 1, lines[at + 1 : end], True)
        if line == "```console":
            call = COMMAND.fullmatch(lines[at + 1])
            end = lines.index("```", at)
            if call and end > at + 2:
                program = " ".join(filter(None, call.groups()))
                yield Quotation(path, program, at + 2, lines[at + 2 : end], False)


def changes(lines):
    """Each quoted word, number and line changed, one at a time; a number by a little, and by much."""
    for at, line in enumerate(lines):
        if line.strip() == "…" or set(line) <= set("|-: "):
            continue
        for found in re.finditer(r"\w+(?:\.\d+)?(?:(?<=e)-\d+)?", line):
            word = found.group()
            digits = [i for i, c in enumerate(word) if c.isdecimal()]
            if digits:
                # The first digit that counts, and the first of all.
                first = next((i for i in digits if word[i] != "0"), digits[-1])
                others = [word[:i] + str((int(word[i]) + 5) % 10) + word[i + 1 :] for i in (first, digits[0])]
            else:
                others = [word[:-1] + ("x" if word[-1] != "x" else "y")]
            whole = [line[: found.start()] + other + line[found.end() :] for other in others]
            yield [lines[:at] + [changed] + lines[at + 1 :] for changed in whole]
        # Beside a … one more may be left out.
        if len(lines) > 1 and "…" not in [line.strip() for line in lines[max(at - 1, 0) : at + 2]]:
            yield [lines[:at] + lines[at + 1 :]]


def prove(quotation, output):
    """Whether each change of a quotation is noticed: by much, where a little is what seeds differ by."""
    patterns = [pattern for pattern, _ in SPREAD.get(quotation.program, ())]
    free = {row(line.text) for line in output if any(re.match(p, line.text) for p in patterns)}
    counts, unnoticed = {"noticed": 0, "noticed if they are large": 0, "of what SPREAD allows": 0}, []
    for ways in changes(quotation.lines):
        wrong = [quotation.wrong(output, changed) is not None for changed in ways]
        gone = [line for line in quotation.lines if line not in ways[-1]]
        if wrong[0]:
            counts["noticed"] += 1
        elif wrong[-1]:
            counts["noticed if they are large"] += 1
        elif gone and row(gone[0]) in free:
            counts["of what SPREAD allows"] += 1
        else:
            unnoticed.append((gone, [line for line in ways[-1] if line not in quotation.lines]))
    told = ", ".join(f"{count} {what}" for what, count in counts.items() if count)
    print(f"{quotation.program}: changes: {told}, {len(unnoticed)} unnoticed")
    for gone, come in unnoticed:
        print(f"  unnoticed: {gone} -> {come}")
    return not unnoticed


def main():
    parser = argparse.ArgumentParser(description="Holds the book's quotations to what was printed.")
    parser.add_argument("--write", action="store_true", help="writes the quotations anew")
    parser.add_argument("--prove", action="store_true", help="are changes of them noticed?")
    parser.add_argument("printed", type=Path, metavar="DIRECTORY or TRANSCRIPT")
    parser.add_argument("programs", nargs="*")
    asked = parser.parse_args()
    if asked.printed.is_file():
        outputs = outputs_of(asked.printed)
    else:
        outputs = {p: output_of(asked.printed / f"{p}.out", p) for p in asked.programs}
    if not outputs:
        parser.error("no program is named, and none stands in a transcript")
    held, holds = dict.fromkeys(outputs, 0), True
    for path in [ROOT / "README.md", *sorted((ROOT / "docs/src").rglob("*.md"))]:
        text = path.read_text().split("\n")
        for quotation in reversed(list(quotations(path))):
            output = outputs.get(quotation.program)
            if output is None:
                continue
            held[quotation.program] += 1
            wrong = quotation.wrong(output)
            if asked.write and (anew := quotation.anew(output)):
                text[quotation.start : quotation.start + len(quotation.lines)] = anew
                path.write_text("\n".join(text))
            elif wrong:
                where = f"{path.relative_to(ROOT)}:{quotation.start + 1}"
                print(f"{where}: not what {quotation.program} has printed\n{wrong}")
                holds = False
            else:
                for line in quotation.other_numbers(output):
                    print(f"{quotation.program}: printed with numbers a little different: {line}")
                holds &= not asked.prove or prove(quotation, output)
    for program, count in held.items():
        if not count:
            print(f"nothing is quoted of {program}")
            holds = False
    print(f"{sum(held.values())} quotations of {len(held)} programs", "hold" if holds else "DO NOT HOLD")
    sys.exit(not holds)


if __name__ == "__main__":
    main()
