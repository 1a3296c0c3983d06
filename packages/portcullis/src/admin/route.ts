/** What a route of the administration is: one row of a table from which the router, the OpenAPI document and the tests are made. */
import type { Principal } from '../core/principal.ts'
import type { AdminView } from '../gateway/administration.ts'
import type { AdminRole } from '../gateway/administrators.ts'
import type { Work } from './changes.ts'
import { type Fields, optional, text, type Told } from './fields.ts'

export type AdminMethod = 'GET' | 'POST' | 'PUT' | 'DELETE'

/** Who may read: all who look after something. */
export const READERS: readonly AdminRole[] = ['administrator', 'operator', 'auditor']
/** Who may read what concerns people and their credentials. */
export const AUDITORS: readonly AdminRole[] = ['administrator', 'auditor']
export const OPERATORS: readonly AdminRole[] = ['administrator', 'operator']
export const ADMINISTRATORS: readonly AdminRole[] = ['administrator']

export interface AdminRoute {
  readonly method: AdminMethod
  /** Below `/admin/v1`, such as `/keys/{id}/revoke`. */
  readonly path: string
  /** Its name in the OpenAPI document, such as `revokeKey`. */
  readonly name: string
  readonly summary: string
  readonly may: readonly AdminRole[]
  /** `tenant`: it acts in one tenant, that of the caller unless `?tenant=` names another. `gateway`: for those who look after all. */
  readonly reach: 'tenant' | 'gateway'
  /** Beside `tenant`; see `queryOf`. */
  readonly query: Fields
  /** Absent: the request has no body. */
  readonly body?: Fields
  /** `needed`: the request must name the revision that it changes (RFC 6585 §3). */
  readonly ifMatch: 'never' | 'possible' | 'needed'
  /** It ends what somebody may do: its change goes before all that wait. */
  readonly urgent?: true
  /** Status when it succeeds. */
  readonly status: 200 | 201
  readonly run: (call: AdminCall) => Promise<AdminAnswer> | AdminAnswer
}

/** One request, read and allowed. */
export interface AdminCall<Query extends Fields = Fields, Body extends Fields = Fields> {
  readonly view: AdminView
  readonly asker: Principal
  /** From where the request came. */
  readonly address: string
  readonly tenant: string
  /** What stands for the `{names}` of the path, decoded. */
  readonly path: Readonly<Record<string, string>>
  readonly query: Told<Query>
  readonly body: Told<Body>
  /** Throws `administration.changed` when the request names another revision than that of the digest. */
  readonly mustMatch: (revision: string) => void
  /** Runs a change, one at a time in a tenant; in that of the call unless another is named. */
  readonly change: <T>(work: Work<T>, tenant?: string) => Promise<T>
}

export interface AdminAnswer {
  readonly document: object
  /** Of the one thing that the document shows. */
  readonly revision?: string
}

interface RouteText<Query extends Fields, Body extends Fields>
  extends Omit<AdminRoute, 'query' | 'body' | 'ifMatch' | 'status' | 'reach' | 'run'> {
  readonly reach?: AdminRoute['reach']
  readonly query?: Query
  readonly body?: Body
  readonly ifMatch?: AdminRoute['ifMatch']
  readonly status?: AdminRoute['status']
  readonly run: (call: AdminCall<Query, Body>) => Promise<AdminAnswer> | AdminAnswer
}

const TENANT = optional(text('the tenant to act in; that of the caller when absent', { max: 128 }))

/** Everything that the query of a request may say: a tenant only where the route acts in one. */
export const queryOf = ({ reach, query }: Pick<AdminRoute, 'reach' | 'query'>): Fields =>
  reach === 'tenant' ? { ...query, tenant: TENANT } : query

/** One row; what is left out has its usual value. */
export function route<const Query extends Fields = Fields, const Body extends Fields = Fields>(
  row: RouteText<Query, Body>,
): AdminRoute {
  const { query, run, ...rest } = row
  // The router reads query and body by the fields of this very row before it calls `run`.
  const typed = run as unknown as AdminRoute['run']
  return { reach: 'tenant', ifMatch: 'never', status: 200, ...rest, query: query ?? {}, run: typed }
}
