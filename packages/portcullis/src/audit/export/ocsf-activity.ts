/** Decides how calls, their ends and refusals, and what a person said of them, are told in OCSF. */
import type { AuditRecord } from '../record.ts'
import { type Call, callOf } from './call-facts.ts'
import { type ExportEvent, nameOfTarget } from './event.ts'
import type { OcsfClass } from './ocsf-class.ts'

const API_ACTIVITY = 6003
const AUTHENTICATION = 3002
const AUTHORIZE_SESSION = 3003

/** Methods that ask and change nothing; of a tool nobody knows what it does. */
const READING =
  /^(?:resources\/(?:read|list|templates\/list)|prompts\/(?:get|list)|tools\/list|server\/discover|tasks\/(?:get|list|result))$/

/** `status_id` of the schema. */
const UNKNOWN = { status_id: 0, status: 'Unknown' } as const
const SUCCESS = { status_id: 1, status: 'Success' } as const
const FAILURE = { status_id: 2, status: 'Failure' } as const

type Told = Extract<AuditRecord, { kind: 'call' | 'outcome' | 'refusal' }>

export function activityClass(event: ExportEvent): OcsfClass {
  const record = event.record as Told
  const call = callOf(event)
  if (record.kind === 'refusal' && isSignIn(record.code)) return failedSignIn(record, call)
  const isReading = READING.test(call.method ?? '')
  return {
    uid: API_ACTIVITY,
    activity: isReading ? 2 : 99,
    activityName: isReading ? 'Read' : (call.method ?? 'Other'),
    profiles: ['security_control'],
    members: {
      ...statusOf(record),
      ...controlOf(record, call),
      actor: actorOf(call.principal, call.credential),
      api: {
        operation: call.method === undefined || call.method === '' ? 'unknown' : call.method,
        ...(call.upstream !== undefined && { service: { name: call.upstream } }),
        ...('incident' in record && { request: { uid: record.incident } }),
        ...(record.kind !== 'call' && { response: { code: record.status } }),
      },
      src_endpoint: endpointOf(call.address),
      ...(call.upstream !== undefined && { dst_endpoint: { name: call.upstream } }),
      ...(call.target !== undefined && { resources: [{ name: call.target, type: call.method ?? 'unknown' }] }),
      ...(record.kind !== 'call' && { duration: record.durationMs }),
    },
  }
}

/** Scopes are asked for after the sign-in. */
const isSignIn = (code: string): boolean => code.startsWith('identity.') && code !== 'identity.insufficient_scope'

function failedSignIn(record: Extract<Told, { kind: 'refusal' }>, { principal, credential, address }: Call): OcsfClass {
  return {
    uid: AUTHENTICATION,
    activity: 1,
    activityName: 'Logon',
    members: {
      ...FAILURE,
      status_code: record.code,
      user: userOf(principal, credential),
      service: { name: 'Portcullis' },
      src_endpoint: endpointOf(address),
      is_remote: true,
    },
  }
}

function statusOf(record: Told): object {
  if (record.kind === 'call') return UNKNOWN
  if (record.kind === 'refusal') return { ...FAILURE, status_code: record.code }
  const { code, outcome, isError } = record
  const status = outcome === 'answered' && isError !== true ? SUCCESS : FAILURE
  return { ...status, ...(code !== undefined && { status_code: code }), status_detail: outcome }
}

/** Of the profile `security_control`: what the gateway, which is a control, did about it. */
function controlOf(record: Told, { policies = [], revision, isDenied }: Call): object {
  const isStopped = record.kind === 'refusal' || (record.kind === 'outcome' && record.outcome === 'refused')
  const [policy] = policies
  return {
    action_id: isStopped ? 2 : 1,
    action: isStopped ? 'Denied' : 'Allowed',
    disposition_id: isStopped ? 2 : 1,
    disposition: isStopped ? 'Blocked' : 'Allowed',
    ...(revision !== undefined && {
      authorizations: [
        {
          decision: isDenied === true ? 'deny' : 'allow',
          policy: { uid: policy ?? 'default-deny', version: revision },
        },
      ],
    }),
  }
}

/** A person was asked about one call: the answer gives a privilege for it, or does not. */
export function approvalClass(record: Extract<AuditRecord, { kind: 'approval' }>): OcsfClass {
  const { event, answer, principal, target } = record
  const status = answer === 'accepted' ? SUCCESS : answer === undefined ? UNKNOWN : FAILURE
  return {
    uid: AUTHORIZE_SESSION,
    activity: event === 'decided' ? 1 : 99,
    activityName: event === 'decided' ? 'Assign Privileges' : 'Proposed',
    members: {
      ...status,
      ...(answer !== undefined && { status_detail: answer }),
      user: userOf(principal, undefined),
      privileges: [nameOfTarget(target) ?? 'unknown'],
      session: { uid: record.approval },
    },
  }
}

/** An actor has to have something: before anybody has signed in, the client is all there is. */
export function actorOf(principal: string | undefined, credential: Call['credential']): object {
  return principal === undefined ? { app_name: 'unknown' } : { user: userOf(principal, credential) }
}

export const userOf = (principal: string | undefined, credential: Call['credential']): object => ({
  name: principal ?? 'unknown',
  ...(principal !== undefined && { uid: principal }),
  ...(credential && { credential_uid: `${credential.kind}:${credential.id}` }),
})

const endpointOf = (address: string | undefined): object =>
  address === undefined ? { name: 'unknown' } : { ip: address }
