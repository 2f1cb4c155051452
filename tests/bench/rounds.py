"""Figures that can be compared although the machine has other work: subjects are measured in turns, round by round.
Of each the minimum is kept, and the median of its ratios to another one's figure of the same round."""

import statistics
import sys


class Figures:
    """By name, one figure for each round; None where a subject could not be measured."""

    def __init__(self):
        self.rounds = {}

    def add(self, name, value):
        self.rounds.setdefault(name, []).append(value)

    def names(self):
        return list(self.rounds)

    def least(self, name):
        return min(self.rounds[name])

    def ratio(self, name, other, less=None):
        """The median of the rounds' ratios; less: the name of what is subtracted from both."""
        pairs = zip(self.rounds[name], self.rounds[other], self.rounds[less] if less else [0] * len(self.rounds[name]))
        ratios = [(a - base) / (b - base) for a, b, base in pairs if b > base]
        return statistics.median(ratios) if ratios else None


def measure(subjects, rounds, count):
    """Each subject's sample(count), in turns. A peer that fails is named and left out."""
    figures, failed = Figures(), set()
    for number in range(rounds):
        for subject in subjects if number % 2 else reversed(subjects):
            if subject.name in failed:
                continue
            try:
                figures.add(subject.name, subject.sample(count))
            except (OSError, RuntimeError) as e:
                if "ktls" in subject.name:
                    raise
                failed.add(subject.name)
                figures.rounds.pop(subject.name, None)
                print(f"  {subject.name}: left out: {e}", file=sys.stderr)
    order = [subject.name for subject in subjects if subject.name in figures.rounds]
    figures.rounds = {name: figures.rounds[name] for name in order}
    return figures


def cell(value, digits=2, width=9):
    return f"{'-':>{width}}" if value is None else f"{value:{width}.{digits}f}"
