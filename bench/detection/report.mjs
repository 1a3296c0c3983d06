// Writes bench/DETECTION.md: goals, then every number by family, role and source, with its 95 % bound.
import { writeFileSync } from 'node:fs'
import { cpus, loadavg } from 'node:os'
import { join } from 'node:path'
import { wilson } from './corpora.mjs'

export function writeReport({
  startedAt,
  goals,
  attacks,
  own,
  confirmed,
  confirmedHonest,
  alarms,
  bypass,
  calls,
  cost,
  costs,
  definitions,
  others,
}) {
  const text = [
    '# Bench of the detection',
    '',
    'Written by `npm run bench -- detection`; the method is in [README.md](README.md#detection). The sets are development sets: the',
    'rules were written with them in sight, so the numbers say how well the rules do what they were written for, and little about',
    'attacks that nobody here has seen. Bounds are Wilson’s, 95 %.',
    '',
    `${startedAt}; Node ${process.version}, ${cpus().length} × ${cpus()[0]?.model.trim() ?? 'unknown'}; load ${loadavg()[1].toFixed(1)}.`,
    '',
    table(
      ['goal', 'wanted', 'measured', 'met'],
      goals.map(({ title, wanted, value, unit, met }) => [
        title,
        wanted,
        `${value.toFixed(2)}${unit}`,
        met ? 'yes' : '**no**',
      ]),
    ),
    '## Attacks that an oracle confirms',
    '',
    'Most rows that are missed are pieces: single words and ends of calls (`replace(`, `drop`, `import`, a name of a catalogue), which people write',
    'and search for as well, and what was meant for a header or another program. Which, is not decided by us: real parsers read each value where',
    'values stand (`oracle/`). A row is confirmed when PostgreSQL, SQLite or a parser of MySQL and SQL Server reads a query with it that is another',
    'than with a harmless value; when a parser of shells reads more than words; when a path leaves its folder. Of the rows that are missed, **a** are',
    'confirmed, so the detector is too weak; **b** are confirmed in another family; **c** do nothing by themselves; some are whole command lines,',
    'which are an attack only on what runs its argument, and that is the role `shell`, where nothing runs that no rule names.',
    '',
    table(
      ['set', 'source', 'found of all', '95 %', 'found of confirmed', '95 %', 'a', 'b', 'c', 'whole command lines'],
      confirmed.map(({ set, source, all, found, confirmed: sure, foundConfirmed, misses }) => [
        ...[set, source, ...shares(found, all), ...shares(foundConfirmed, sure)],
        ...[misses.a, misses.b, misses.c, misses.line],
      ]),
    ),
    `An oracle tells what could happen and not what somebody meant: of honest values it confirms ${confirmedHonest.map(({ set, all, confirmed: sure }) => `${shares(sure, all)[0]} (${set})`).join(', ')}. So it is no detector.`,
    '',
    '## Attacks found, by set and role',
    '',
    'Everything that looks at an argument of that role, over all views; only what is beyond doubt counts (no hints).',
    '',
    table(
      ['set', 'role', 'source', 'found', '95 %'],
      attacks.map(({ set, role, source, found, all }) => [set, role, source, ...shares(found, all)]),
    ),
    '## Our own attacks and honest values',
    '',
    'Made by the grammars in `bench/detection/own/`, of which chance holds half the spellings back: rules were mended with the',
    'first half in sight only. `more` was written after the first mending; `honest` counts alarms. An alarm in `honest` or a miss',
    'elsewhere weighs by how many spellings a technique has, not by how often anybody uses it.',
    '',
    table(
      ['family', 'half', 'role', 'technique', 'found', '95 %'],
      own.map(({ family, half, role, technique, found, all }) => [
        family,
        half,
        role,
        technique,
        ...shares(found, all),
      ]),
    ),
    '## Lost by disguise',
    '',
    'Of what is found as it is, in the role in which it hurts most.',
    '',
    table(
      ['set', 'role', 'disguise', 'lost', '95 %'],
      bypass.map(({ set, role, name, lost, all }) => [set, role, name, ...shares(lost, all)]),
    ),
    '## Honest calls and values',
    '',
    `Whole calls with proposed roles: ${calls.blockedCount} of ${calls.all} blocked (${bound(calls.blockedCount, calls.all)}), ${calls.flaggedCount} flagged (${bound(calls.flaggedCount, calls.all)}).`,
    '',
    'Values that look like attacks and are none, and prose, each as if it had come in that role:',
    '',
    table(
      ['set', 'role', 'source', 'flagged', '95 %'],
      alarms.map(({ set, role, source, found, all }) => [set, role, source, ...shares(found, all)]),
    ),
    '## Definitions',
    '',
    table(
      ['source', 'flagged', '95 %'],
      definitions.counts.map(({ name, flagged, all }) => [name, ...shares(flagged, all)]),
    ),
    '## Cost',
    '',
    `A typical call of ${cost.bytes.toFixed(0)} bytes: ${cost.microseconds.toFixed(1)} µs CPU. Values of 1 KB that keep detectors busy, in µs:`,
    '',
    costTable(costs),
    ...others.flatMap(({ script, output }) => [`## ${script}`, '', '```', output.trimEnd(), '```', '']),
  ].join('\n')
  writeFileSync(join(import.meta.dirname, '..', 'DETECTION.md'), text)
}

function costTable(costs) {
  const names = Object.keys(costs[0].costs)
  return table(
    ['made of', ...costs.map(({ role }) => role)],
    names.map((name) => [name, ...costs.map((row) => row.costs[name].toFixed(0))]),
  )
}

const shares = (hits, all) => [
  `${hits} of ${all} (${((100 * hits) / Math.max(1, all)).toFixed(2)} %)`,
  bound(hits, all),
]

function bound(hits, all) {
  const [low, high] = wilson(hits, all)
  return `${Math.max(0, low).toFixed(2)}–${high.toFixed(2)} %`
}

function table(heads, rows) {
  const line = (cells) => `| ${cells.map((cell) => String(cell).replaceAll('|', '\\|')).join(' | ')} |`
  return [line(heads), line(heads.map(() => '---')), ...rows.map(line), ''].join('\n')
}
