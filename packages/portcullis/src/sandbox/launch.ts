/** The order of one launch: what is prepared, what is started, and what is taken back when any of it fails. */
import { type Cgroup, createCgroup } from './cgroup/group.ts'
import type { CgroupHost } from './cgroup/host.ts'
import { startChild } from './child.ts'
import { buildCommand } from './command.ts'
import { DescriptorTable } from './descriptors.ts'
import type { HostIdentity, LaunchSpec, SandboxedProcess } from './driver.ts'
import { type PreparedVolume, prepareVolumes } from './folders/volumes.ts'
import { WritableFolders } from './folders/writable-folders.ts'
import { reserveGate } from './gate.ts'
import type { Ground } from './ground.ts'
import type { ConfinedNetwork } from './network/networks.ts'
import { release } from './release.ts'

export interface LaunchPlace {
  readonly ground: Ground
  readonly searchPath: readonly string[]
  readonly hidden: readonly string[]
  /** The account to start as; undefined: that of the gateway. */
  readonly identity: HostIdentity | undefined
}

/** Resolves when the command runs. Throws `sandbox.start_failed`; nothing is left then. */
export async function launchSandbox(asked: LaunchSpec, place: LaunchPlace): Promise<SandboxedProcess> {
  const { ground, identity, hidden, searchPath } = place
  const { filter, networks, tools, layout } = ground
  const spec = withoutGroups(asked, ground.cgroups)
  const table = new DescriptorTable()
  reserveGate(table)
  const folders = new WritableFolders({ hidden, onAccess: spec.onAccess })
  let cgroup: Cgroup | undefined
  let network: ConfinedNetwork | undefined
  try {
    const volumes = spec.volumes?.length ? await prepareVolumes(spec.volumes, await ground.volumes(), identity) : []
    network = await networks.open(spec)
    cgroup = await createCgroup(ground.cgroups, { ...spec.limits, isFreezable: isWatched(spec, volumes) })
    // The cell comes next after the gate, because it can name descriptors of one digit only.
    const cell = cellIn(table, cgroup, ground.privateFiles.openTable(spec.limits))
    const control = { status: table.pipe(), filter: table.constant(filter) }
    const parts = { tools, layout, searchPath, hidden, identity, control, network, cell, volumes }
    const { argv, startAs, writable } = buildCommand(spec, parts, table)
    for (const path of writable) folders.add(path)
    const child = await startChild(argv, { environment: {}, cwd: '/', table, runAs: startAs })
    const confined = await release(child, { cgroup, network, folders, volumes }, spec, control)
    networks.prepare(spec)
    return confined
  } catch (problem) {
    table.close()
    network?.close()
    await cgroup?.destroy()
    await folders.close()
    throw problem
  }
}

/** Where no control group limits the whole tree, the limit holds for each of its processes at least. */
function withoutGroups(spec: LaunchSpec, { memory, processes }: CgroupHost): LaunchSpec {
  const { limits } = spec
  const dataBytes = limits.dataBytes ?? (memory === undefined ? limits.memoryBytes : undefined)
  const accountProcesses = processes === undefined ? undefined : limits.processes + ACCOUNT_SLACK
  return {
    ...spec,
    limits: {
      ...limits,
      ...(dataBytes !== undefined && { dataBytes }),
      ...(accountProcesses !== undefined && { accountProcesses }),
    },
  }
}

/** The limit of the account stays behind that of the group, which alone counts what it refused. */
const ACCOUNT_SLACK = 16

function cellIn(table: DescriptorTable, cgroup: Cgroup, file: number | undefined) {
  const doors = cgroup.openDoors().map((descriptor) => table.lend(descriptor))
  return { doors, table: file === undefined ? undefined : table.lend(file) }
}

/** There is a limit that may have to be counted while nothing moves. */
function isWatched({ limits, readWrite }: LaunchSpec, volumes: readonly PreparedVolume[]): boolean {
  const isLimited = limits.diskBytes !== undefined || limits.diskFiles !== undefined
  return (isLimited && readWrite.length > 0) || volumes.some(({ kind }) => kind === 'folder')
}
