/** Everything that is remembered: the subjects of each kind, what follows what in a tenant, and who is restricted. */
import { Homes } from './homes.ts'
import { Restrictions } from './restrictions.ts'
import type { Subject } from './subject.ts'
import { SubjectTable } from './subject-table.ts'
import { Transitions } from './transitions.ts'

export interface MemorySizes {
  readonly principals: number
  readonly tools: number
}

const MAX_TENANTS = 1_000
/** In the table of tenants all are of one group: none has a share of another. */
const ALL = '*'

export type TableKind = 'principal' | 'tool' | 'tenant'

export const TABLE_KINDS: readonly TableKind[] = ['principal', 'tool', 'tenant']

export class Memory {
  /** Of the hashes; random for each installation. */
  seed: number
  readonly tables: Readonly<Record<TableKind, SubjectTable>>
  readonly transitions = new Map<string, Transitions>()
  readonly restrictions = new Restrictions()
  readonly homes = new Homes()

  constructor({ principals, tools }: MemorySizes, seed: number) {
    this.seed = seed >>> 0
    this.tables = {
      principal: new SubjectTable(principals),
      tool: new SubjectTable(tools),
      tenant: new SubjectTable(MAX_TENANTS),
    }
  }

  find(kind: TableKind, tenant: string, name: string): Subject | undefined {
    return this.tables[kind].find(kind === 'tenant' ? ALL : tenant, name)
  }

  /** Undefined when there is no room for it; see `SubjectTable`. */
  enter(kind: TableKind, tenant: string, name: string, now: number): Subject | undefined {
    return this.tables[kind].enter(kind === 'tenant' ? ALL : tenant, name, now)
  }

  transitionsOf(tenant: string): Transitions {
    const known = this.transitions.get(tenant)
    if (known !== undefined) return known
    if (this.transitions.size >= MAX_TENANTS) this.transitions.delete(this.transitions.keys().next().value as string)
    const made = new Transitions()
    this.transitions.set(tenant, made)
    return made
  }
}
