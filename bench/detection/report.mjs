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
    'What is still missed in the sets, by its kind: single words and ends of calls (`replace(`, `drop`, `import`, a name of a catalogue),',
    'which people write and search for as well; fragments that attack only between two others; commands of programs without any sign of a',
    'shell, for which there is the role `shell`; rows that are no attack on what they are counted for. Rules for those would find rows, not',
    'attacks, and stop honest calls.',
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
