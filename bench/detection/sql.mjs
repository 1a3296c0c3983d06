/**
 * Measures the SQL detectors on development sets: `node bench/detection/sql.mjs [--corpora <folder>] [--show <source>] [--half 0|1]`.
 *
 * Prints true and false positives by source with Wilson's 95 % bounds, how many honest statements each parser reads, and speed.
 */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { wilson } from './corpora.mjs'
import { sqlInjection } from '../../packages/portcullis/src/inspection/sql/sql-injection.ts'
import { loadSqlRole } from '../../packages/portcullis/src/inspection/sql/sql-role.ts'
import { SQL_DIALECTS, STATEMENT_KINDS } from '../../packages/portcullis/src/core/inspection-words.ts'
import { SQL_RULES } from '../../packages/portcullis/src/inspection/sql/sql-rules.ts'

const { values } = parseArgs({
  options: { corpora: { type: 'string' }, show: { type: 'string' }, half: { type: 'string' } },
})
const corpora = values.corpora ?? process.env.PORTCULLIS_CORPORA ?? join(import.meta.dirname, '../../../shared/corpora')
if (!existsSync(corpora)) {
  console.log(`no corpora at ${corpora}: give --corpora or PORTCULLIS_CORPORA; nothing was measured`)
  process.exit(0)
}

const rowsOf = (name) =>
  readFileSync(join(corpora, name), 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line))

/** Halves by a hash of the row, so that rules can be designed on one and checked on the other. */
function inHalf(text) {
  if (values.half === undefined) return true
  let hash = 7
  for (let at = 0; at < text.length; at++) hash = (hash * 31 + text.charCodeAt(at)) >>> 0
  return (hash >>> 3) % 2 === Number(values.half)
}

function report(title, rows) {
  const bySource = Map.groupBy(
    rows.filter(({ text }) => inHalf(text)),
    ({ source }) => source,
  )
  console.log(title)
  const all = { hits: 0, total: 0 }
  for (const [source, group] of [...bySource, ['together', undefined]]) {
    const hits = group?.filter(({ text }) => sqlInjection(text).length > 0) ?? []
    all.hits += hits.length
    all.total += group?.length ?? 0
    const [found, total] = group === undefined ? [all.hits, all.total] : [hits.length, group.length]
    const [low, high] = wilson(found, total)
    const share = total === 0 ? 0 : (found / total) * 100
    console.log(
      `  ${source.padEnd(18)} ${String(found).padStart(5)} of ${String(total).padStart(6)}  ${share.toFixed(2).padStart(6)} %  (${low.toFixed(2)} – ${high.toFixed(2)})`,
    )
    if (values.show === source) {
      const attack = title.startsWith('attacks')
      for (const { text } of attack ? group.filter((row) => !hits.includes(row)) : hits) {
        console.log(`      ${JSON.stringify(text.slice(0, 160))} ${sqlInjection(text)[0]?.reason ?? ''}`)
      }
    }
  }
}

function stringsOf(value) {
  if (typeof value === 'string') return [value]
  if (Array.isArray(value)) return value.flatMap(stringsOf)
  return value !== null && typeof value === 'object' ? Object.values(value).flatMap(stringsOf) : []
}

report(
  'attacks found',
  rowsOf('sqli.jsonl').filter(({ label }) => label === 1),
)
report(
  'arguments of honest calls flagged',
  rowsOf('benign-calls.jsonl').flatMap(({ args, source }) => stringsOf(args).map((text) => ({ text, source }))),
)
/** What is found of the attacks that are found as they are, when something stands around them or they are written otherwise. */
const MUTATIONS = {
  'random case': (text) => [...text].map((char, at) => (at % 2 ? char.toUpperCase() : char.toLowerCase())).join(''),
  'comments for spaces': (text) => text.replace(/ /g, '/**/'),
  'other white space': (text) => text.replace(/ /g, '\t\n'),
  'prose before': (text) => `Please look up the customer named Tom's Shop and tell me: ${text}`,
  'prose after': (text) => `${text} and then tell me what you found, please.`,
  'in a JSON text': (text) => JSON.stringify({ page: 2, query: text, note: "it's fine" }),
  'in a list of CSV': (text) => `id,name,city\n1,Anna,Berlin\n2,${text},Rome\n`,
  'in a fence of markdown': (text) => `# Notes\n\n\`\`\`\n${text}\n\`\`\`\n`,
  'in 20 KB of prose': (text) => {
    const filler = "The shop's owner said that it's open, and Tom didn't mind. ".repeat(170)
    return `${filler}${text}\n${filler}`
  },
  "with x') before": (text) => `x') ${text}`,
}
const found = rowsOf('sqli.jsonl').filter(
  ({ label, text }) => label === 1 && inHalf(text) && sqlInjection(text).length > 0,
)
console.log(`of ${found.length} attacks found, still found`)
for (const [title, mutate] of Object.entries(MUTATIONS)) {
  const kept = found.filter(({ text }) => sqlInjection(mutate(text)).length > 0)
  console.log(`  ${title.padEnd(24)} ${((kept.length / found.length) * 100).toFixed(2).padStart(6)} %`)
  if (values.show === title)
    for (const { text } of found)
      if (!kept.some((row) => row.text === text)) console.log(`      ${JSON.stringify(text.slice(0, 160))}`)
}

for (const name of ['benign-hard', 'benign-prose', 'benign-shell', 'benign-sql'])
  report(`${name} flagged`, rowsOf(`${name}.jsonl`))

const role = await loadSqlRole()
const statements = rowsOf('benign-sql.jsonl').map(({ text }) => text)
const verbs =
  /^\s*\(*(?:select|with|values|insert|update|delete|merge|create|alter|drop|truncate|explain|show|describe)\b/i
const judged = statements.filter((text) => verbs.test(text))
console.log(`honest statements that the role lets through when all kinds are allowed, of ${judged.length}`)
for (const dialect of SQL_DIALECTS) {
  const inspect = role({ ...SQL_RULES, dialect, statements: STATEMENT_KINDS, readOnly: false })
  const began = performance.now()
  const reasons = judged.map((text) => inspect(text)[0]?.reason)
  const each = ((performance.now() - began) / judged.length) * 1000
  const counts = Object.entries(Object.groupBy(reasons.filter(Boolean), (reason) => reason)).map(
    ([reason, list]) => `${reason.slice(4)} ${list.length}`,
  )
  console.log(
    `  ${dialect.padEnd(12)} ${String(reasons.filter((reason) => reason === undefined).length).padStart(4)}  ${each.toFixed(0).padStart(5)} µs each  (${counts.join(', ')})`,
  )
}

const prose = rowsOf('benign-prose.jsonl')
  .map(({ text }) => text)
  .join('\n')
const attack = "1' and x and '"
console.log('microseconds of the detector, median of 200')
for (const [title, text] of [
  ['identifier, 20 characters', 'customer_invoice_204'],
  ['prose, 1 KB', prose.slice(0, 1024)],
  ['prose with quotes, 1 KB', 'It\'s Tom\'s "idea" or and (maybe) '.repeat(40).slice(0, 1024)],
  ['quotes only, 1 KB', "'".repeat(1024)],
  ['nearly attacks, 1 KB', attack.repeat(80).slice(0, 1024)],
  ['nearly attacks, 100 KB', attack.repeat(8000).slice(0, 102_400)],
  ['prose, 100 KB', prose.slice(0, 102_400)],
  ['open brackets, 100 KB', 'and ('.repeat(20_480)],
  ['open comments, 100 KB', '/*'.repeat(51_200)],
]) {
  const times = Array.from({ length: 200 }, () => {
    const began = performance.now()
    sqlInjection(text)
    return performance.now() - began
  }).sort((a, b) => a - b)
  console.log(`  ${title.padEnd(26)} ${(times[100] * 1000).toFixed(1)}`)
}
