/** Decides how changes of the gateway itself are told in OCSF: accounts, sessions, everything else that is managed, start and stop. */
import type { AuditRecord } from '../record.ts'
import type { Origin } from './event.ts'
import type { OcsfClass } from './ocsf-class.ts'
import { userOf } from './ocsf-activity.ts'

const ACCOUNT_CHANGE = 3001
const AUTHENTICATION = 3002
const ENTITY_MANAGEMENT = 3004
const APPLICATION_LIFECYCLE = 6002

const SUCCESS = { status_id: 1, status: 'Success' } as const

type Change = Extract<AuditRecord, { kind: 'change' }>

export function changeClass(record: Change): OcsfClass {
  const [noun = '', verb = ''] = record.what.split('.')
  const actor = record.by === undefined ? { app_name: 'Portcullis' } : { user: userOf(record.by, undefined) }
  if (noun === 'user') return accountClass(record, verb, actor)
  if (record.what === 'session.ended') return logoffClass(record)
  const { activity, activityName } = entityActivity(verb)
  return {
    uid: ENTITY_MANAGEMENT,
    activity,
    activityName,
    members: { ...SUCCESS, actor, entity: { name: idOf(record) ?? record.what, type: noun } },
  }
}

/** The last word of what was changed, such as `key.created`. */
function entityActivity(verb: string): Pick<OcsfClass, 'activity' | 'activityName'> {
  if (/(?:created|added|deposited|registered|given)$/.test(verb)) return { activity: 1, activityName: 'Create' }
  if (/(?:removed|revoked|ended|shredded|lost|lifted)$/.test(verb)) return { activity: 4, activityName: 'Delete' }
  return { activity: 3, activityName: 'Update' }
}

const ACCOUNT_ACTIVITIES: Readonly<Record<string, readonly [number, string]>> = {
  created: [1, 'Create'],
  enabled: [2, 'Enable'],
  disabled: [5, 'Disable'],
  removed: [6, 'Delete'],
}

function accountClass(record: Change, verb: string, actor: object): OcsfClass {
  const [activity, activityName] = ACCOUNT_ACTIVITIES[verb] ?? [99, record.what]
  return {
    uid: ACCOUNT_CHANGE,
    activity,
    activityName,
    members: { ...SUCCESS, actor, user: userOf(idOf(record), undefined) },
  }
}

function logoffClass(record: Change): OcsfClass {
  const user = userOf(idOf(record), undefined)
  const service = { name: 'Portcullis' }
  return { uid: AUTHENTICATION, activity: 2, activityName: 'Logoff', members: { ...SUCCESS, user, service } }
}

/** What the change is about, as far as its detail names it. */
function idOf({ detail }: Change): string | undefined {
  const named = detail?.['id'] ?? detail?.['name'] ?? detail?.['upstream']
  return typeof named === 'string' && named !== '' ? named : undefined
}

export function lifecycleClass(kind: 'start' | 'stop', { version }: Origin): OcsfClass {
  const [activity, activityName] = kind === 'start' ? ([3, 'Start'] as const) : ([4, 'Stop'] as const)
  const app = { name: 'Portcullis', vendor_name: 'Portcullis', version }
  return {
    uid: APPLICATION_LIFECYCLE,
    activity,
    activityName,
    members: { ...SUCCESS, app },
  }
}
