/** Lists where the inspection is told to let something through that it would have stopped. */
import { isDeniedFunction } from '../core/denied-functions.ts'
import { NARROW_ROLES } from '../core/inspection-words.ts'
import type { Config, UpstreamConfig } from './schema.ts'
import type { Weakness } from './weakness.ts'

type Verdicts = Omit<Config['inspection'], 'results'>
type UpstreamInspection = UpstreamConfig['inspection']
type Argument = NonNullable<NonNullable<UpstreamInspection['tools']>[string]['arguments']>[string]

/** Places in which a strong finding is refused unless the configuration says otherwise. */
const NARROW: ReadonlySet<string> = new Set(NARROW_ROLES)

/** Of the whole configuration. */
export function inspectionWeaknesses({ inspection, upstreams }: Config): readonly Weakness[] {
  return [
    ...ofVerdicts('inspection', inspection),
    ...ofClassifier(inspection.results.classifier),
    ...Object.entries(upstreams).flatMap(([name, upstream]) =>
      ofUpstream(`upstreams.${name}.inspection`, upstream.inspection),
    ),
  ]
}

function ofClassifier(classifier: Config['inspection']['results']['classifier']): readonly Weakness[] {
  const meanings = {
    verdict: 'What the classifier finds passes; only the record says so.',
    onError: 'While the classifier does not answer, results pass that it might have refused.',
  } as const
  return (['verdict', 'onError'] as const)
    .filter((key) => classifier?.[key] === 'annotate')
    .map((key) => ({ path: `inspection.results.classifier.${key}`, word: 'annotate', meaning: meanings[key] }))
}

function ofUpstream(at: string, settings: UpstreamInspection): readonly Weakness[] {
  const tools = Object.entries(settings.tools ?? {}).flatMap(([tool, own]) => [
    ...ofVerdicts(`${at}.tools.${tool}`, own),
    ...Object.entries(own.arguments ?? {}).flatMap(([name, rule]) =>
      ofArgument(`${at}.tools.${tool}.arguments.${name}`, rule),
    ),
  ])
  return [...ofVerdicts(at, settings), ...tools]
}

function ofVerdicts(at: string, { mode, on = {}, roles = {} }: Verdicts): readonly Weakness[] {
  const found: Weakness[] = []
  if (mode === 'shadow')
    found.push({ path: `${at}.mode`, word: mode, meaning: 'What is found is recorded and stops nothing.' })
  for (const [key, table] of [
    ['on', on],
    ['roles', roles],
  ] as const) {
    for (const [name, weights] of Object.entries(table)) {
      for (const weight of ['breach', 'strong'] as const) {
        const word = weights?.[weight]
        if (word === undefined || !isMilder(word, key, name, weight)) continue
        found.push({ path: `${at}.${key}.${name}.${weight}`, word, meaning: MEANINGS[word] })
      }
    }
  }
  return found
}

type Milder = 'allow' | 'annotate' | 'mask' | 'ask'

const MEANINGS: Readonly<Record<Milder, string>> = {
  allow: 'What is found passes, and no record says so.',
  annotate: 'What is found passes; only the record says so.',
  mask: 'What breaks a rule passes without the part that was found.',
  ask: 'What breaks a rule passes when a person says so.',
}

/** Free text lets strong findings through anyway; to `annotate` there is no weakening. */
function isMilder(word: string, key: 'on' | 'roles', name: string, weight: 'breach' | 'strong'): word is Milder {
  if (word === 'allow') return true
  if (word === 'mask' || word === 'ask') return weight === 'breach'
  if (word !== 'annotate') return false
  return weight === 'breach' || key === 'on' || NARROW.has(name) || name === 'result'
}

const READING: ReadonlySet<string> = new Set(['select', 'explain', 'show'])

function ofArgument(at: string, { sql, shell, path, url, host }: Argument): readonly Weakness[] {
  const found: Weakness[] = []
  const add = (member: string, word: string, meaning: string) => found.push({ path: `${at}.${member}`, word, meaning })
  if (sql?.readOnly === false) {
    const writing = sql.statements.filter((kind) => !READING.has(kind))
    add(
      'sql.readOnly',
      'false',
      `Callers can change the database${writing.length > 0 ? `: ${writing.join(', ')}` : ''}.`,
    )
  }
  for (const name of sql?.functions?.allow ?? []) {
    if (!name.includes('*') && isDeniedFunction(name.split('.')))
      add('sql.functions.allow', name, 'A function may be called that is refused because of what it can reach or do.')
    if (/^[*.]+$/.test(name))
      add('sql.functions.allow', name, 'Functions may be called of which nobody has said what they do.')
  }
  const { form = 'relative', roots = [] } = path ?? {}
  if (form !== 'relative' && roots.length === 0) add('path.form', form, 'Any absolute path may be named.')
  if (path?.parents === 'within-roots') add('path.parents', path.parents, 'Paths may step up on their way.')
  for (const [member, rules] of [
    ['url', url],
    ['host', host],
  ] as const) {
    if (rules?.insideHosts === 'allowed')
      add(`${member}.insideHosts`, 'allowed', 'Callers can name services of this machine and its network.')
  }
  if (url?.credentials === 'allowed')
    add('url.credentials', 'allowed', 'Passwords stand in URLs, which are written down.')
  for (const feature of shell?.allow ?? []) {
    add('shell.allow', feature, 'Command lines can do more than to run one program with fixed arguments.')
  }
  for (const [program, { runsOthers }] of Object.entries(shell?.programs ?? {})) {
    if (runsOthers !== undefined)
      add(`shell.programs.${program}.runsOthers`, runsOthers, 'The program can run any other program.')
  }
  return found
}
