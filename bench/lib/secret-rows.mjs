// The rows of the development set of secrets: how many are found, how many harmless ones are marked, and what a label means there.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

/**
 * Rules of the publishers that name no secret: buckets, accounts, users, public keys, folders, and rows that test comments. Chosen by
 * the names of the rules and by looking at the half of the design.
 */
const NO_SECRET =
  /^np\.(?:s3|gcs|arn)\.|^np\.(?:google\.1|age\.1|shopify\.1|aws\.3|reactapp\.1)$|no-homedir|filter-comments|AWS Account ID/

/** A shorter text stands anywhere. */
const LEAST = 8

/** Rows of one half. `find` gives spans with their kinds. */
export function countSecrets(folder, find) {
  const rows = readFileSync(join(folder, 'secrets.jsonl'), 'utf8')
    .split('\n')
    .filter(Boolean)
    .map((line, at) => read(JSON.parse(line), at, find))
  const told = rows.filter(({ isSecret }) => isSecret).map(({ text }) => text)
  const count = (half) => {
    const own = rows.filter((row) => row.half === half)
    const secrets = own.filter(({ isSecret }) => isSecret)
    const real = secrets.filter(({ rule }) => !NO_SECRET.test(rule))
    const harmless = own.filter(({ isSecret }) => !isSecret)
    // A row that is harmless to one rule may hold what another one names: then the set itself says that it is a secret.
    const isNamed = ({ marked }) =>
      marked.some((part) => part.length >= LEAST && told.some((text) => text.includes(part)))
    const undisputed = harmless.filter((row) => !isNamed(row))
    return {
      half,
      ...{ secrets: secrets.length, found: hits(secrets), real: real.length, foundReal: hits(real) },
      ...{ harmless: harmless.length, marked: hits(harmless) },
      ...{ undisputed: undisputed.length, markedUndisputed: hits(undisputed) },
    }
  }
  return { halves: [count('design'), count('check')], rows }
}

const hits = (rows) => rows.filter(({ marked }) => marked.length > 0).length

function read({ label, rule, text_base64: bytes }, at, find) {
  const text = Buffer.from(bytes, 'base64').toString('utf8')
  const spans = find(text).filter(({ kind }) => kind === 'secret')
  const marked = spans.map(({ start, end }) => text.slice(start, end))
  return { at, half: at % 2 === 0 ? 'design' : 'check', isSecret: label === 1, rule: String(rule), text, marked }
}
