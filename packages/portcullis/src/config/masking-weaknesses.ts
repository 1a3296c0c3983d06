/** Lists where the masking is told to let something through that a farther place of the configuration would have masked. */
import type { Config } from './schema.ts'
import type { Weakness } from './weakness.ts'

type Level = NonNullable<NonNullable<Config['masking']>['results']>
interface Levels {
  readonly arguments?: Level
  readonly results?: Level
}

/** Every `keep` below the top has its own line. */
export function maskingWeaknesses({ upstreams, tenants = {} }: Config): readonly Weakness[] {
  return [
    ...Object.entries(upstreams).flatMap(([name, { masking }]) => [
      ...ofLevels(`upstreams.${name}.masking`, masking ?? {}),
      ...Object.entries(masking?.tools ?? {}).flatMap(([tool, own]) =>
        ofLevels(`upstreams.${name}.masking.tools.${tool}`, own),
      ),
    ]),
    ...Object.entries(tenants).flatMap(([name, { masking }]) => ofLevels(`tenants.${name}.masking`, masking ?? {})),
  ]
}

const ofLevels = (at: string, levels: Levels): readonly Weakness[] => [
  ...ofLevel(`${at}.arguments`, levels.arguments, 'The upstream gets it as it is.'),
  ...ofLevel(`${at}.results`, levels.results, 'Callers get it as it is.'),
]

function ofLevel(at: string, level: Level | undefined, meaning: string): readonly Weakness[] {
  if (level === undefined) return []
  const said: readonly (readonly [string, string | undefined])[] = [
    ['secrets', level.secrets],
    ['personal', level.personal],
    ...entries('kinds', level.kinds),
    ...entries('fields', level.fields),
    ...entries('paths', level.paths),
  ]
  return said
    .filter(([, word]) => word === 'keep')
    .map(([member]) => ({ path: `${at}.${member}`, word: 'keep', meaning }))
}

const entries = (name: string, map: Readonly<Record<string, string | undefined>> = {}) =>
  Object.entries(map).map(([key, word]) => [`${name}.${key}`, word] as const)
