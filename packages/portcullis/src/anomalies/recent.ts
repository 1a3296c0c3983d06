/** The subjects that were unusual last, for whoever asks; a bounded number of each tenant. */
import type { AnomalyAnswer, Level } from '../core/anomaly-words.ts'
import type { Reason } from './assess.ts'
import { SUBJECT_KINDS, type SubjectKind, type SubjectName } from './subject.ts'

export interface Unusual {
  readonly subject: SubjectName
  readonly level: Level
  readonly score: number
  readonly reasons: readonly Reason[]
  /** What followed. */
  readonly answer: AnomalyAnswer
  /** Milliseconds since the epoch. */
  readonly at: number
}

const MAX_EACH = 1_000
const MAX_TENANTS = 1_000

export class Recent {
  readonly #byTenant = new Map<string, Map<string, Unusual>>()

  put(unusual: Unusual): void {
    const { tenant } = unusual.subject
    let own = this.#byTenant.get(tenant)
    if (own === undefined) {
      if (this.#byTenant.size >= MAX_TENANTS) drop(this.#byTenant)
      this.#byTenant.set(tenant, (own = new Map()))
    }
    const id = idOf(unusual.subject)
    own.delete(id)
    if (own.size >= MAX_EACH) drop(own)
    own.set(id, unusual)
  }

  get(subject: SubjectName): Unusual | undefined {
    return this.#byTenant.get(subject.tenant)?.get(idOf(subject))
  }

  remove(subject: SubjectName): void {
    this.#byTenant.get(subject.tenant)?.delete(idOf(subject))
  }

  of(tenant: string): readonly Unusual[] {
    return [...(this.#byTenant.get(tenant)?.values() ?? [])]
  }
}

/** Such as `principal:key:4f5e`, by which administrators name a subject of their tenant. */
export const idOf = ({ kind, name }: Pick<SubjectName, 'kind' | 'name'>): string => `${kind}:${name}`

/** The subject of an id; undefined when it is none. */
export function subjectOf(id: string, tenant: string): SubjectName | undefined {
  const at = id.indexOf(':')
  const kind = SUBJECT_KINDS.find((one): one is SubjectKind => one === id.slice(0, at))
  return kind === undefined || at + 1 >= id.length ? undefined : { kind, tenant, name: id.slice(at + 1) }
}

function drop(map: Map<string, unknown>): void {
  map.delete(map.keys().next().value as string)
}
