/** Decides how what confined processes reach, change and are refused is told in OCSF. */
import { posix } from 'node:path'
import type { AuditRecord } from '../record.ts'
import type { Origin } from './event.ts'
import type { OcsfClass } from './ocsf-class.ts'

const FILE_SYSTEM_ACTIVITY = 1001
const PROCESS_ACTIVITY = 1007
const NETWORK_ACTIVITY = 4001

type Access = Extract<AuditRecord, { kind: 'access' }>
type Process = Extract<AuditRecord, { kind: 'process' }>

export function accessClass(record: Access, origin: Origin): OcsfClass {
  const { access } = record
  switch (access.kind) {
    case 'egress':
      return networkClass(record, access, origin)
    case 'file':
      return fileClass(record, access, origin)
    case 'refused':
      // Of a wall nobody knows more than that a process met it.
      return {
        uid: PROCESS_ACTIVITY,
        activity: 99,
        activityName: 'Refused',
        profiles: ['security_control'],
        members: {
          ...REFUSED,
          status_detail: `${access.wall}: ${access.what}`,
          ...hostOf(record, origin),
          process: processOf(record),
        },
      }
  }
}

const REFUSED = { status_id: 2, status: 'Failure', ...control('Denied', 2, 'Blocked', 2) } as const
const REACHED = { status_id: 1, status: 'Success', ...control('Allowed', 1, 'Allowed', 1) } as const

function control(action: string, actionId: number, disposition: string, dispositionId: number) {
  return { action, action_id: actionId, disposition, disposition_id: dispositionId }
}

type Egress = Extract<Access['access'], { kind: 'egress' }>

function networkClass(record: Access, egress: Egress, origin: Origin): OcsfClass {
  const { allowed, host, port, protocol, address, reason, sentBytes, receivedBytes, durationMs } = egress
  const hasTraffic = sentBytes !== undefined || receivedBytes !== undefined
  return {
    uid: NETWORK_ACTIVITY,
    activity: allowed ? 6 : 5,
    activityName: allowed ? 'Traffic' : 'Refuse',
    profiles: ['host', 'security_control'],
    members: {
      ...(allowed ? REACHED : REFUSED),
      ...(reason !== undefined && { status_detail: reason }),
      ...hostOf(record, origin),
      src_endpoint: { hostname: origin.hostName, svc_name: record.upstream },
      dst_endpoint: { hostname: host, port, ...(address !== undefined && { ip: address }) },
      connection_info: { direction_id: 2, direction: 'Outbound', protocol_name: 'tcp' },
      app_name: protocol,
      ...(hasTraffic && { traffic: { bytes_out: sentBytes ?? 0, bytes_in: receivedBytes ?? 0 } }),
      ...(durationMs !== undefined && { duration: durationMs }),
    },
  }
}

type FileChange = Extract<Access['access'], { kind: 'file' }>

const FILE_ACTIVITIES: Readonly<Record<FileChange['change'], readonly [number, string]>> = {
  created: [1, 'Create'],
  changed: [3, 'Update'],
  removed: [4, 'Delete'],
}

function fileClass(record: Access, { change, path, bytes, digest }: FileChange, origin: Origin): OcsfClass {
  const [activity, activityName] = FILE_ACTIVITIES[change]
  return {
    uid: FILE_SYSTEM_ACTIVITY,
    activity,
    activityName,
    members: {
      status_id: 1,
      status: 'Success',
      ...hostOf(record, origin),
      file: {
        name: posix.basename(path) || path,
        path,
        type_id: 1,
        type: 'Regular File',
        ...(bytes !== undefined && { size: bytes }),
        ...(digest !== undefined && { hashes: [{ algorithm_id: 3, algorithm: 'SHA-256', value: digest }] }),
      },
    },
  }
}

export function processClass(record: Process, origin: Origin): OcsfClass {
  const isStart = record.event === 'started'
  return {
    uid: PROCESS_ACTIVITY,
    activity: isStart ? 1 : 2,
    activityName: isStart ? 'Launch' : 'Terminate',
    members: {
      status_id: 1,
      status: 'Success',
      ...(record.reason !== undefined && { status_detail: record.reason }),
      ...(typeof record.code === 'number' && { exit_code: record.code }),
      ...(record.durationMs !== undefined && { duration: record.durationMs }),
      device: deviceOf(origin),
      // The gateway launches and ends them.
      actor: { process: { pid: origin.pid, name: 'portcullis' } },
      process: processOf(record),
    },
  }
}

const hostOf = (doer: Doing, origin: Origin): object => ({
  device: deviceOf(origin),
  actor: {
    process: processOf(doer),
    ...(doer.principal !== undefined && { user: { name: doer.principal, uid: doer.principal } }),
  },
})

type Doing = Pick<Access, 'pid' | 'upstream' | 'principal'>

const processOf = ({ pid, upstream }: Doing): object => ({ pid, name: upstream })

const deviceOf = ({ hostName }: Origin): object => ({ hostname: hostName, type_id: 1, type: 'Server' })
