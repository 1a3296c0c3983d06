// node bench/detection/json-schema.mjs [--corpora folder]: the official JSON-Schema-Test-Suite, 2020-12, through our validator,
// with another implementation as oracle. Every difference has its reason; one without ends with status 1.
import { existsSync, globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { registerSchema, unregisterSchema, validate as askOracle } from '@hyperjump/json-schema/draft-2020-12'
import { UnusableSchema } from '../../packages/portcullis/src/inspection/schema-bounds.ts'
import { SchemaCompiler } from '../../packages/portcullis/src/inspection/schema-compiler.ts'

const { values } = parseArgs({ args: process.argv.slice(2), options: { corpora: { type: 'string' } } })
const corpora = values.corpora ?? process.env.PORTCULLIS_CORPORA ?? '../shared/corpora'
const folder = join(corpora, 'json-schema-2020-12')
if (!existsSync(folder)) {
  console.error(
    'The suite is not here: name the folder that holds json-schema-2020-12 with --corpora or PORTCULLIS_CORPORA. Nothing was asked.',
  )
  process.exit(1)
}

/** The first that fits a difference explains it. `refusal` is why the whole schema is refused. */
const REASONS = [
  {
    why: 'The schema of arguments is an object: MCP says so, and a boolean one never gets here.',
    fits: ({ schema }) => typeof schema === 'boolean',
  },
  {
    why: 'Refused: references to other documents, identifiers inside of schemas, and vocabularies of others. Nothing is fetched.',
    fits: ({ refusal }) => /leads out of|below an inner|unknown dialect|more than one schema/.test(refusal),
  },
  {
    why: 'Refused: a reference to where no schema can stand, such as an example, would be neither checked nor closed.',
    fits: ({ refusal }) => /does not lead to a schema/.test(refusal),
  },
  {
    why: 'Refused: a property of the name `__proto__`, which the engine passes over. No message may hold one either.',
    fits: ({ refusal }) => /__proto__/.test(refusal),
  },
  {
    why: 'Refused: `unevaluatedItems` together with `contains`, whose items the engine does not remember one by one.',
    fits: ({ refusal }) => /beside "contains"/.test(refusal),
  },
  {
    why: 'Formats are asserted, where the standard leaves them annotations unless asked for.',
    fits: ({ file }) => file === 'format.json',
  },
  {
    why: 'Formats are asserted as far as ajv-formats knows them: some approximate, internationalised ones not at all.',
    fits: ({ file }) => file.startsWith('optional/format/'),
  },
]

const compiler = new SchemaCompiler()
const cases = []
const files = globSync('**/*.json', { cwd: folder })
for (const file of files.toSorted((one, other) => one.localeCompare(other))) {
  for (const group of JSON.parse(readFileSync(join(folder, file), 'utf8'))) {
    const { usable, refusal } = compiled(group.schema)
    const oracle = refusal === undefined ? await oracleOf(group.schema) : undefined
    for (const { description, data, valid } of group.tests) {
      const ours = usable === undefined ? 'refused' : usable(data) === undefined
      const theirs = oracle === undefined ? undefined : oracle(data).valid
      const title = `${file}: ${group.description}: ${description}`
      cases.push({ file, title, schema: group.schema, refusal: refusal ?? '', valid, ours, theirs })
    }
  }
}

const different = cases.filter(({ ours, valid }) => ours !== valid)
const explained = new Map(REASONS.map(({ why }) => [why, []]))
const unexplained = []
for (const one of different) {
  const reason = REASONS.find(({ fits }) => fits(one))
  if (reason === undefined) unexplained.push(one)
  else explained.get(reason.why).push(one)
}
const required = ({ file }) => !file.startsWith('optional/')
const share = (some) => `${some.filter(({ ours, valid }) => ours === valid).length} of ${some.length}`
console.log(
  `Required: ${share(cases.filter(required))} as the suite says; optional: ${share(cases.filter((one) => !required(one)))}.`,
)
const judged = cases.filter(({ file, theirs }) => theirs !== undefined && !file.includes('format'))
const disputed = judged.filter(({ ours, theirs }) => ours !== theirs)
console.log(
  `Formats apart, the oracle agrees in ${judged.length - disputed.length} of ${judged.length} that we do not refuse.`,
)
for (const { title, valid, ours } of disputed) console.log(`  not here: ${title} (suite ${valid}, ours ${ours})`)
console.log('')
for (const [why, ones] of explained) console.log(`${describe(ones)}  ${why}`)
for (const { title, ours, theirs } of unexplained) console.log(`NOT EXPLAINED ${title}: ours ${ours}, oracle ${theirs}`)
process.exit(unexplained.length === 0 ? 0 : 1)

/** How many are refused with their schemas, accepted though the suite refuses, and refused though it accepts. */
function describe(ones) {
  const count = (wanted) => String(ones.filter(wanted).length).padStart(3)
  const whole = count(({ ours }) => ours === 'refused')
  const looser = count(({ ours }) => ours === true)
  return `schema refused ${whole}, looser ${looser}, stricter ${count(({ ours }) => ours === false)}`
}

function compiled(schema) {
  if (typeof schema === 'boolean') return { refusal: 'boolean' }
  try {
    return { usable: compiler.compile(schema) }
  } catch (thrown) {
    if (thrown instanceof UnusableSchema) return { refusal: thrown.message }
    throw thrown
  }
}

/** Undefined for what the oracle does not take either. */
async function oracleOf(schema) {
  const uri = 'https://suite.example/schema'
  try {
    registerSchema(structuredClone(schema), uri, 'https://json-schema.org/draft/2020-12/schema')
    return await askOracle(schema.$id ?? uri)
  } catch {
    return undefined
  } finally {
    unregisterSchema(uri)
    if (schema.$id !== undefined) unregisterSchema(schema.$id)
  }
}
