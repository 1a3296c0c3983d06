/** Decides what is done about which data, from what the configuration says at several places; the nearest word counts. */
import { type MaskAction, PERSONAL_KINDS, SENSITIVE_KINDS, type SensitiveKind } from '../../core/recognise/kinds.ts'
import { kindOfName, plainName } from '../../core/recognise/field-names.ts'

/** What one place of the configuration says about one direction. */
export interface MaskLevel {
  readonly secrets?: MaskAction
  /** All kinds but addresses of machines, which have to be named. */
  readonly personal?: MaskAction
  readonly kinds?: Readonly<Partial<Record<SensitiveKind, MaskAction>>>
  /** By names of members. */
  readonly fields?: Readonly<Record<string, MaskAction>>
  /** By JSON pointers (RFC 6901) with `*` for any element or member. */
  readonly paths?: Readonly<Record<string, MaskAction>>
  readonly keepLast?: number
}

/** What is in force for one tool, in one direction. */
export interface MaskRules {
  /** Kinds that do not stay. */
  readonly actions: ReadonlyMap<SensitiveKind, MaskAction>
  /** By names without case and punctuation. */
  readonly fields: ReadonlyMap<string, MaskAction>
  readonly paths: readonly PathRule[]
  readonly keepLast: number
  readonly tokenises: boolean
  /** What a name says holds even where a place says less. */
  readonly isFloor?: true
}

export interface PathRule {
  readonly steps: readonly string[]
  readonly action: MaskAction
}

const KEEP_LAST = 4

/** Undefined when everything stays. `levels` from the nearest to the farthest. */
export function rulesOf(levels: readonly MaskLevel[]): MaskRules | undefined {
  const actions = new Map<SensitiveKind, MaskAction>()
  for (const kind of SENSITIVE_KINDS) {
    const action = actionOf(kind, levels)
    if (action !== 'keep') actions.set(kind, action)
  }
  const fields = merged(
    levels.map(({ fields: own }) => own ?? {}),
    plainName,
  )
  const paths = [
    ...merged(
      levels.map(({ paths: own }) => own ?? {}),
      (pointer) => pointer,
    ),
  ]
  if (actions.size === 0 && [...fields.values(), ...paths.map(([, action]) => action)].every((one) => one === 'keep'))
    return undefined
  const all = [...actions.values(), ...fields.values(), ...paths.map(([, action]) => action)]
  return {
    actions,
    fields,
    paths: paths.map(([pointer, action]) => ({ steps: pointer.split('/').slice(1), action })),
    keepLast: levels.find(({ keepLast }) => keepLast !== undefined)?.keepLast ?? KEEP_LAST,
    tokenises: all.includes('tokenise'),
  }
}

/** What holds at least, however little is configured: secrets go, and of personal data the shape is left. */
export const LEAST_OF_ERRORS: MaskLevel = { secrets: 'remove', personal: 'mask' }

/** How little is left of a value. A token is worth nothing to others, as a shape is. */
const STRENGTH: Readonly<Record<MaskAction, number>> = { keep: 0, mask: 1, tokenise: 1, remove: 2 }

/** Errors repeat what went wrong with it, so that no level, no name and no place lets something through that the least would not. */
export function rulesOfErrors(levels: readonly MaskLevel[]): MaskRules {
  const own = rulesOf(levels)
  const least = rulesOf([
    { ...LEAST_OF_ERRORS, keepLast: Math.min(own?.keepLast ?? KEEP_LAST, KEEP_LAST) },
  ]) as MaskRules
  if (own === undefined) return least
  const actions = new Map(own.actions)
  for (const [kind, action] of least.actions) actions.set(kind, stronger(own.actions.get(kind), action))
  const floorOf = (name: string): MaskAction => least.actions.get(kindOfName(name) as SensitiveKind) ?? 'keep'
  const fields = [...own.fields].map(([name, action]) => [name, stronger(action, floorOf(name))] as const)
  return {
    ...own,
    actions,
    keepLast: least.keepLast,
    fields: new Map(fields.filter(([, action]) => action !== 'keep')),
    paths: own.paths.filter(({ action }) => action !== 'keep'),
    isFloor: true,
  }
}

const stronger = (own: MaskAction = 'keep', least: MaskAction): MaskAction =>
  STRENGTH[own] < STRENGTH[least] ? least : own

function actionOf(kind: SensitiveKind, levels: readonly MaskLevel[]): MaskAction {
  for (const { kinds, secrets, personal } of levels) {
    const said = kinds?.[kind] ?? (kind === 'secret' ? secrets : isUsual(kind) ? personal : undefined)
    if (said !== undefined) return said
  }
  return 'keep'
}

const isUsual = (kind: SensitiveKind): boolean => kind !== 'ip' && PERSONAL_KINDS.some((one) => one === kind)

function merged(
  maps: readonly Readonly<Record<string, MaskAction>>[],
  nameOf: (name: string) => string,
): ReadonlyMap<string, MaskAction> {
  return new Map(
    maps.toReversed().flatMap((map) => Object.entries(map).map(([name, action]) => [nameOf(name), action])),
  )
}
