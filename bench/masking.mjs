/**
 * What the masking finds, what it disturbs and what it costs: `npm run bench -- masking [--corpora folder] [--show kind]`. With `--show`
 * the rows behind the numbers of a kind are told, and no report is written.
 *
 * Documents of the development sets are read where they are. Rules were made while looking at every other document (`design`); the
 * other half (`check`) says how well they do on what they were not made for. A span counts as found when at least four fifths of its
 * characters lie in spans of its kind, and a span of ours as right when it touches one that the set names for its kind.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { scrub, scrubText } from '../packages/portcullis/src/audit/scrub.ts'
import { kindOfName } from '../packages/portcullis/src/core/recognise/field-names.ts'
import { SENSITIVE_KINDS } from '../packages/portcullis/src/core/recognise/kinds.ts'
import { Recogniser } from '../packages/portcullis/src/core/recognise/recognise.ts'
import { openCorpora } from './detection/corpora.mjs'
import { VOCABULARIES } from './lib/field-words.mjs'
import { countSecrets } from './lib/secret-rows.mjs'

const args = process.argv.slice(3)
const option = (name) => (args.includes(name) ? args[args.indexOf(name) + 1] : undefined)
const folder = resolve(option('--corpora') ?? process.env.PORTCULLIS_CORPORA ?? '../shared/corpora')
const corpora = openCorpora(folder)
if (corpora === undefined) {
  console.error('The development sets are not here: name their folder with --corpora or PORTCULLIS_CORPORA.')
  process.exit(1)
}

const KINDS = {
  CREDIT_CARD: 'card',
  IBAN_CODE: 'iban',
  US_SSN: 'national-id',
  US_DRIVER_LICENSE: 'national-id',
  EMAIL_ADDRESS: 'email',
  PHONE_NUMBER: 'phone',
  IP_ADDRESS: 'ip',
}
const SHOWN = ['secret', 'card', 'iban', 'national-id', 'email', 'phone', 'ip']
const all = new Recogniser(new Set(SENSITIVE_KINDS))
const documents = JSON.parse(readFileSync(join(folder, 'pii-presidio-generated.json'), 'utf8'))
const halves = { design: documents.filter((_, at) => at % 2 === 0), check: documents.filter((_, at) => at % 2 === 1) }

function measure(set) {
  const rows = new Map(
    SHOWN.map((kind) => [kind, { named: 0, found: 0, masked: 0, ours: 0, right: 0, missed: [], wrong: [] }]),
  )
  for (const { full_text: text, spans: told } of set) {
    const named = told.map((span) => ({
      kind: KINDS[span.entity_type],
      start: span.start_position,
      end: span.end_position,
    }))
    const ours = all.find(text)
    for (const span of named) {
      const row = rows.get(span.kind)
      if (row === undefined) continue
      row.named++
      const covered = (spans) =>
        spans.reduce((sum, one) => sum + Math.max(0, Math.min(one.end, span.end) - Math.max(one.start, span.start)), 0)
      const least = 0.8 * (span.end - span.start)
      if (covered(ours.filter((one) => one.kind === span.kind)) >= least) row.found++
      else row.missed.push(text.slice(Math.max(0, span.start - 30), span.end + 10))
      if (covered(ours) >= least) row.masked++
    }
    for (const span of ours) {
      const row = rows.get(span.kind)
      row.ours++
      if (named.some((one) => one.kind === span.kind && one.start < span.end && span.start < one.end)) row.right++
      else row.wrong.push(text.slice(Math.max(0, span.start - 30), span.end + 10))
    }
  }
  return rows
}

const BENIGN = [
  'benign-calls',
  'benign-prose',
  'benign-shell',
  'benign-sql',
  'benign-hard',
  'tool-results',
  'tool-descriptions',
]

function alarms(name) {
  const counts = new Map(SHOWN.map((kind) => [kind, 0]))
  const rows = corpora.benign(name)
  const seen = []
  for (const { texts } of rows) {
    const kinds = new Set(
      texts.flatMap((text) =>
        all.find(text).map((span) => {
          seen.push(`${span.kind}: ${text.slice(Math.max(0, span.start - 20), span.end + 10)}`)
          return span.kind
        }),
      ),
    )
    for (const kind of kinds) counts.set(kind, counts.get(kind) + 1)
  }
  return { name, rows: rows.length, counts, seen }
}

/** Microseconds of one call of `work`, the median of several rounds. */
function cost(work, calls) {
  const rounds = []
  for (let round = 0; round < 7; round++) {
    const from = process.cpuUsage()
    for (let call = 0; call < calls; call++) work(call)
    const { user, system } = process.cpuUsage(from)
    rounds.push((user + system) / calls)
  }
  return rounds.toSorted((one, other) => one - other)[3]
}

const share = (part, whole) => (whole === 0 ? '–' : `${((100 * part) / whole).toFixed(1)} %`)
const lines = []
const say = (line = '') => void lines.push(line)

const measured = Object.entries(halves).map(([half, set]) => ({ half, rows: measure(set) }))
say('# Masking: what it finds, what it disturbs, what it costs')
say()
say(
  'Made by `npm run bench -- masking`; how it counts is told in `masking.mjs`. The sets are generated or published by others and not part of this project.',
)
say()
say('## Personal data in documents (presidio-research, generated)')
say()
say('| kind | half | named | found | masked at all | marked by us | precision |')
say('|---|---|---:|---:|---:|---:|---:|')
for (const kind of SHOWN.slice(1)) {
  for (const { half, rows } of measured) {
    const { named, found, masked, ours, right } = rows.get(kind)
    say(
      `| ${kind} | ${half} | ${named} | ${share(found, named)} | ${share(masked, named)} | ${ours} | ${share(right, ours)} |`,
    )
  }
}
say()
say('## Secrets (noseyparker, secretlint)')
say()
say(
  'A label is that of one rule of the publisher. So there are secrets that hold none (buckets, accounts, users, public keys: left out of "real", by the names of their rules), and harmless rows that are secrets of another rule (left out of "undisputed": what is marked in them stands in a row that the set calls a secret).',
)
say()
say('| half | secrets | found | real | found | harmless | marked | undisputed | marked |')
say('|---|---:|---:|---:|---:|---:|---:|---:|---:|')
const { halves: counted, rows: secretRows } = countSecrets(folder, (text) => all.find(text))
for (const one of counted) {
  const cells = [
    ...[one.half, one.secrets, share(one.found, one.secrets), one.real, share(one.foundReal, one.real)],
    ...[one.harmless, share(one.marked, one.harmless), one.undisputed, share(one.markedUndisputed, one.undisputed)],
  ]
  say(`| ${cells.join(' | ')} |`)
}
say()
say('## Persons by the names of members')
say()
say('Names as published vocabularies have them, and whether they are taken for what they are.')
say()
say('| vocabulary | of persons | known | others | taken for persons |')
say('|---|---:|---:|---:|---:|')
const known = (names) => names.filter((name) => kindOfName(name) !== undefined).length
for (const { name, personal, other } of VOCABULARIES)
  say(
    `| ${name} | ${personal.length} | ${share(known(personal), personal.length)} | ${other.length} | ${share(known(other), other.length)} |`,
  )
say()
say('## Rows of benign sets in which something is marked')
say()
say('These sets hold real e-mail addresses and numbers too; nobody has labelled them.')
say()
say(`| set | rows | ${SHOWN.join(' | ')} |`)
say(`|---|---:|${SHOWN.map(() => '---:').join('|')}|`)
const disturbed = BENIGN.map(alarms)
for (const { name, rows, counts } of disturbed)
  say(`| ${name} | ${rows} | ${SHOWN.map((kind) => counts.get(kind)).join(' | ')} |`)

const prose = corpora
  .benign('tool-results')
  .flatMap(({ texts }) => texts)
  .join('\n')
  .slice(0, 262_144)
const dense = documents
  .map((one) => one.full_text)
  .join('\n')
  .slice(0, 262_144)
const worst = {
  digits: '1'.repeat(65_536),
  groups: '12 '.repeat(21_845),
  at: 'a@'.repeat(32_768),
  dots: '1.'.repeat(32_768),
  plus: '+1'.repeat(32_768),
  hex: 'GB8'.repeat(21_845),
}
const log = {
  message: 'the upstream answered',
  facts: { upstream: 'files', durationMs: 12, status: 200, incident: '01J9Z3V8Q2' },
}
const perKb = (text, find = all) => cost(() => find.raw(text), 4) / (text.length / 1024)
const forSecrets = new Recogniser(new Set(['secret']))
const code = corpora
  .benign('benign-shell')
  .flatMap(({ texts }) => texts)
  .join('\n')
  .slice(0, 262_144)
say()
say('## Cost')
say()
say('| what | µs |')
say('|---|---:|')
say(`| one KB of results of tools, all kinds | ${perKb(prose).toFixed(2)} |`)
say(`| one KB of documents full of personal data | ${perKb(dense).toFixed(2)} |`)
say(`| one KB of results of tools, secrets alone | ${perKb(prose, forSecrets).toFixed(2)} |`)
say(`| one KB of command lines, secrets alone | ${perKb(code, forSecrets).toFixed(2)} |`)
for (const [name, text] of Object.entries(worst))
  say(`| one KB of ${name} that are nothing | ${perKb(text).toFixed(2)} |`)
say(
  `| a text of a log with nothing in it (${log.message.length} characters) | ${cost(() => scrubText(log.message), 200_000).toFixed(2)} |`,
)
say(`| the facts of a log line with nothing in them | ${cost(() => scrub(log.facts), 100_000).toFixed(2)} |`)

const checked = counted.find(({ half }) => half === 'check')
const disturbedRows = disturbed.reduce((sum, { counts }) => sum + counts.get('secret'), 0)
const goals = [
  [
    'secrets found, held-out half',
    share(checked.found, checked.secrets),
    checked.found >= 0.85 * checked.secrets,
    '≥ 85 %',
  ],
  [
    'harmless rows marked, held-out half, undisputed',
    share(checked.markedUndisputed, checked.undisputed),
    checked.markedUndisputed <= 0.1 * checked.undisputed,
    '≤ 10 %',
  ],
  ['rows of benign sets in which a secret is marked', String(disturbedRows), disturbedRows <= 12, '≤ 12'],
]
say()
say('## Goals')
say()
say('| goal | wanted | measured | |')
say('|---|---|---|---|')
for (const [title, measuredAs, isMet, wanted] of goals)
  say(`| ${title} | ${wanted} | ${measuredAs} | ${isMet ? 'met' : '**missed**'} |`)

const report = `${lines.join('\n')}\n`
console.log(report)
if (option('--show') !== undefined) {
  const rows = measured.find(({ half }) => half === 'design').rows.get(option('--show'))
  console.log('missed\n', rows?.missed.slice(0, 30).join('\n '), '\nwrong\n', rows?.wrong.slice(0, 30).join('\n '))
  if (option('--show') === 'secret') showSecrets()
  for (const { name, seen } of disturbed)
    console.log(name, seen.filter((line) => line.startsWith(option('--show'))).slice(0, 14))
} else writeFileSync(new URL('MASKING.md', import.meta.url), report)

/** Of the half of the design alone: the other one is only counted. */
function showSecrets() {
  const design = secretRows.filter(({ half }) => half === 'design')
  const told = ({ at, rule, text, marked }) => `${at} ${rule} ${JSON.stringify(marked)} ${text.slice(0, 160)}`
  console.log(
    'secrets missed\n',
    design
      .filter((row) => row.isSecret && row.marked.length === 0)
      .map(told)
      .join('\n '),
  )
  console.log(
    'harmless marked\n',
    design
      .filter((row) => !row.isSecret && row.marked.length > 0)
      .map(told)
      .join('\n '),
  )
}
