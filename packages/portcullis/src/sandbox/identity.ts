/**
 * Which host account a sandboxed process has.
 *
 * Never 0: to the kernel, RLIMIT_NPROC does not hold for uid 0, and files and sysctls of root stay writable from inside
 * a user namespace that maps it.
 */
import { Fault } from '../core/fault.ts'
import type { HostIdentity } from './driver.ts'

const FIRST_UID = 200_000
const SLOTS = 65_536

/** The account of the n-th upstream of a gateway that runs as root. Its writable directories must belong to this uid. */
export function upstreamIdentity(slot: number): HostIdentity {
  if (!Number.isInteger(slot) || slot < 0 || slot >= SLOTS) throw new Fault('internal', { reason: 'slot out of range' })
  return { uid: FIRST_UID + slot, gid: FIRST_UID + slot }
}

/**
 * The account to change to, or undefined to keep the gateway's own. Without `runAs`, root gets an account of its own
 * for each call. Throws `sandbox.start_failed` for uid 0 and for a change that only root could make.
 */
export function createIdentities(gatewayUid: number): (runAs: HostIdentity | undefined) => HostIdentity | undefined {
  // Upstreams with a slot count from below, processes without one from above: they do not meet.
  let anonymous = SLOTS - 1
  return (runAs) => {
    if (runAs !== undefined) return checkedIdentity(gatewayUid, runAs)
    if (gatewayUid !== 0) return undefined
    const identity = upstreamIdentity(anonymous)
    anonymous = anonymous > SLOTS / 2 ? anonymous - 1 : SLOTS - 1
    return identity
  }
}

function checkedIdentity(gatewayUid: number, runAs: HostIdentity): HostIdentity | undefined {
  if (!isAccount(runAs.uid) || !isAccount(runAs.gid)) refuse('runAs must name a user and a group other than root')
  if (gatewayUid === 0) return runAs
  if (runAs.uid !== gatewayUid) refuse('only a gateway that runs as root can change the account of a process')
  return undefined
}

const isAccount = (id: number) => Number.isInteger(id) && id > 0 && id < 0xffff_ffff

function refuse(reason: string): never {
  throw new Fault('sandbox.start_failed', { reason })
}
