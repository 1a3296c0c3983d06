/** Decides which detectors and which rule look at a string of each role. */
import { type Family, evidence, type Inspect, type Sighting } from './finding.ts'
import { hasNothing } from './literal-filter.ts'
import { inOrdinaryPath } from './paths/ordinary-path.ts'
import type { PathRules } from './paths/path-role.ts'
import type { Role } from './role.ts'
import type { ShellRules } from './shell/shell-rules.ts'
import { SQL_RULES, type SqlDialect, type SqlRules } from './sql/sql-rules.ts'
import type { HostRoleRules, UrlRules } from './urls/url-role.ts'
import type { View } from './views/views.ts'

/** What is known of one argument: its role, and the rules of those roles that have some. */
export interface ArgumentRule {
  readonly role?: Role
  readonly sql?: SqlRules
  readonly shell?: ShellRules
  readonly path?: PathRules
  readonly url?: UrlRules
  readonly host?: HostRoleRules
}

type DetectorName = 'sql' | 'command' | 'option' | 'markup' | 'path' | 'expression' | 'characters' | 'unpaired'

/** Detectors of attacks in values that are no language of their own. */
export type Detectors = Readonly<Record<DetectorName, Inspect>>

/** What makes inspectors of the roles that have rules. The two parsers are loaded when the first argument needs them. */
export interface RoleRules {
  readonly path: (rules: PathRules | undefined) => Inspect
  readonly url: (rules: UrlRules | undefined) => Inspect
  readonly host: (rules: HostRoleRules | undefined) => Inspect
  readonly loadSql: (dialects: readonly SqlDialect[]) => Promise<(rules: SqlRules) => Inspect>
  readonly loadShell: () => Promise<(rules: ShellRules) => Inspect>
}

/** Every narrow form gets what could leave it; free text what nobody writes by accident; languages their own rule. */
// biome-ignore format: one role a row
const DETECTORS: Readonly<Record<Role, readonly DetectorName[]>> = {
  identifier: ['characters', 'sql', 'command', 'markup', 'path', 'expression', 'option', 'unpaired'],
  text:       ['characters', 'sql', 'command', 'markup', 'path', 'expression'],
  path:       ['characters', 'sql', 'command', 'markup', 'path', 'expression', 'option'],
  url:        ['characters', 'markup', 'expression'],
  host:       ['characters', 'sql', 'command', 'markup', 'expression', 'option'],
  sql:        ['characters'],
  shell:      ['characters'],
  html:       ['characters', 'markup'],
  code:       ['characters'],
  number:     ['characters', 'sql', 'command', 'markup', 'expression', 'unpaired'],
  expression: ['characters', 'markup', 'expression'],
  secret:     ['characters', 'sql', 'markup', 'expression'],
}

/** These look at what is sent and not at what it can be decoded to. */
const AS_SENT: ReadonlySet<DetectorName> = new Set(['characters', 'option'])

/** A value that means something only as a whole cannot be inspected in slices, and an honest one is not so long. */
export const MAX_WHOLE_LENGTH = 65_536

const RULED: Readonly<Partial<Record<Role, Family>>> = {
  sql: 'sql',
  shell: 'command',
  path: 'path',
  url: 'url',
  host: 'url',
}

export class RoleInspectors {
  readonly #views: (value: string) => readonly View[]
  readonly #detectors: Detectors
  readonly #rules: RoleRules
  readonly #everywhere: Inspect | undefined
  readonly #sql = new Map<SqlDialect, (rules: SqlRules) => Inspect>()
  #shell: ((rules: ShellRules) => Inspect) | undefined

  /** @param everywhere looks at every string, whatever its role, as it is sent */
  constructor(views: (value: string) => readonly View[], detectors: Detectors, rules: RoleRules, everywhere?: Inspect) {
    this.#everywhere = everywhere
    this.#views = views
    this.#detectors = detectors
    this.#rules = rules
  }

  /** Loads the parsers that these arguments need; undefined when all are there. */
  load(rules: Iterable<ArgumentRule>): Promise<void> | undefined {
    const all = [...rules]
    const dialects = new Set(all.filter(({ role }) => role === 'sql').map(({ sql = SQL_RULES }) => sql.dialect))
    const missing = [...dialects].filter((dialect) => !this.#sql.has(dialect))
    const needsShell = this.#shell === undefined && all.some(({ role }) => role === 'shell')
    return missing.length === 0 && !needsShell ? undefined : this.#load(missing, needsShell)
  }

  async #load(dialects: readonly SqlDialect[], shell: boolean): Promise<void> {
    if (dialects.length > 0) {
      const made = await this.#rules.loadSql(dialects)
      for (const dialect of dialects) this.#sql.set(dialect, made)
    }
    if (shell) this.#shell = await this.#rules.loadShell()
  }

  /** What looks at an argument. Throws TypeError when `load` was not awaited for it. */
  of(rule: ArgumentRule): { readonly inspect: Inspect; readonly whole: boolean } {
    const { inspect, whole } = this.#ofRole(rule)
    const everywhere = this.#everywhere
    return everywhere === undefined
      ? { inspect, whole }
      : { inspect: (value) => joined(everywhere(value), inspect(value)), whole }
  }

  #ofRole(rule: ArgumentRule): { readonly inspect: Inspect; readonly whole: boolean } {
    const role = rule.role ?? 'text'
    const names = DETECTORS[role]
    const detect = role === 'path' ? ordinary(this.#detect(names), rule.path) : this.#detect(names)
    const family = RULED[role]
    if (family === undefined) return { inspect: role === 'secret' ? withoutEvidence(detect) : detect, whole: false }
    const obey = this.#ruleOf(role, rule)
    return { inspect: (value) => tooLong(value, family) ?? joined(obey(value), detect(value)), whole: true }
  }

  #ruleOf(role: Role, { sql = SQL_RULES, shell = NO_PROGRAMS, path, url, host }: ArgumentRule): Inspect {
    if (role === 'path') return this.#rules.path(path)
    if (role === 'url') return this.#rules.url(url)
    if (role === 'host') return this.#rules.host(host)
    const made = role === 'sql' ? this.#sql.get(sql.dialect)?.(sql) : this.#shell?.(shell)
    if (made === undefined) throw new TypeError(`the parser of ${role} is not loaded`)
    return made
  }

  /** All detectors over all views, which are made once. What one detector is sure of, it is not asked again. */
  #detect(names: readonly DetectorName[]): Inspect {
    const detectors = names.map((name) => this.#detectors[name])
    const decoded = names.filter((name) => !AS_SENT.has(name)).map((name) => this.#detectors[name])
    return (value) => {
      if (hasNothing(value)) return NOTHING
      let found: Sighting[] | undefined
      const settled = new Set<Inspect>()
      for (const [index, { name, text }] of this.#views(value).entries()) {
        for (const detector of index === 0 ? detectors : decoded) {
          if (settled.has(detector)) continue
          for (const sighting of detector(text)) {
            found ??= []
            found.push(index === 0 ? sighting : { ...sighting, view: name })
            if (sighting.weight !== 'hint') settled.add(detector)
          }
        }
      }
      return found ?? NOTHING
    }
  }
}

const NOTHING: readonly Sighting[] = []

/** A command line of which nobody has said what it may run. */
const NO_PROGRAMS: ShellRules = { programs: {} }

const joined = (one: readonly Sighting[], other: readonly Sighting[]): readonly Sighting[] =>
  one.length === 0 ? other : other.length === 0 ? one : [...one, ...other]

function tooLong(value: string, family: Family): readonly Sighting[] | undefined {
  if (value.length <= MAX_WHOLE_LENGTH) return undefined
  const says = `must not be longer than ${MAX_WHOLE_LENGTH} characters`
  return [{ family, weight: 'breach', reason: `${family}.too-long`, evidence: evidence(value), says }]
}

const ordinary =
  (inspect: Inspect, { parents, roots }: PathRules = {}): Inspect =>
  (value) => {
    const found = inOrdinaryPath(value, inspect(value))
    // Where a path may step up on its way, its rule has resolved it: only what has to be decoded first is still an attack.
    if (parents !== 'within-roots' || roots === undefined || found.length === 0) return found
    return found.filter(({ reason, view }) => reason !== 'path.traversal' || view !== undefined)
  }

/** A secret is not written down, least of all in a record that is kept for years. */
const withoutEvidence =
  (inspect: Inspect): Inspect =>
  (value) => {
    const found = inspect(value)
    return found.length === 0 ? found : found.map((sighting) => ({ ...sighting, evidence: '[secret]' }))
  }
