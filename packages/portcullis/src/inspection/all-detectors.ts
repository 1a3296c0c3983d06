/** All detectors and rules that there are, in the places where an argument's role asks for them. */
import { invisibleCharacters } from './characters/characters.ts'
import { unpaired } from './characters/unpaired.ts'
import { expressionInjection } from './expression/expression-injection.ts'
import type { Inspect } from './finding.ts'
import { scriptInjection } from './markup/script-injection.ts'
import { pathInjection } from './paths/path-injection.ts'
import { pathRole } from './paths/path-role.ts'
import { RoleInspectors, type RoleRules } from './role-inspectors.ts'
import { commandInjection } from './shell/command-injection.ts'
import { optionInjection } from './shell/option-injection.ts'
import { sqlInjection } from './sql/sql-injection.ts'
import { unruledHost, unruledUrl } from './urls/unruled-url.ts'
import { hostRole, urlRole } from './urls/url-role.ts'
import { inViews, views } from './views/views.ts'

/** A path without rules is looked at by the detectors alone: whether it may be absolute, only its tool knows. */
const NOTHING: Inspect = () => []

/**
 * The two parsers are read from disk when the first tool needs them, so that a gateway without SQL and shells stays small.
 * `everywhere` looks at every string, whatever its role.
 */
export function roleInspectors(everywhere?: Inspect): RoleInspectors {
  const detectors = {
    characters: invisibleCharacters,
    sql: sqlInjection,
    command: commandInjection,
    option: optionInjection,
    markup: scriptInjection,
    path: pathInjection,
    expression: expressionInjection,
    unpaired,
  }
  const ruled: RoleRules = {
    path: (rules) => (rules === undefined ? NOTHING : pathRole(rules)),
    url: (rules) => (rules === undefined ? inViews(unruledUrl) : urlRole(rules)),
    host: (rules) => (rules === undefined ? inViews(unruledHost) : hostRole(rules)),
    loadSql: async (dialects) => (await import('./sql/sql-role.ts')).loadSqlRole(dialects),
    loadShell: async () => (await import('./shell/shell-role.ts')).loadShellRole(),
  }
  return new RoleInspectors(views, detectors, ruled, everywhere)
}
