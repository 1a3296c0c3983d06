/** What a launch of a container is made of: what stays the same from one to the next, and what belongs to this one. */
import type { PinnedPath } from '../bind.ts'
import type { LaunchSpec } from '../driver.ts'
import type { WritableFolders } from '../folders/writable-folders.ts'
import type { Networks } from '../network/networks.ts'
import type { Account } from './arguments.ts'
import type { Attachment } from './attachment.ts'
import type { Engine } from './engine.ts'
import type { EngineFacts } from './facts.ts'
import type { Image } from './image.ts'
import type { Kit } from './kit.ts'

/** What stays the same from launch to launch. */
export interface Ground {
  readonly engine: Engine
  readonly facts: EngineFacts
  readonly imageName: string
  readonly image: Image
  readonly runtime: string | undefined
  /** Our system call filter as JSON. */
  readonly profile: string
  readonly masked: readonly string[]
  /** Goes before the engine's command line, so that it ends with the gateway. */
  readonly leash: readonly string[]
  /** Undefined where the engine lets us add nothing. */
  readonly kit: Kit | undefined
  /** The mounts of a container are found in the tables of this kernel, which is not so in a virtual machine. */
  readonly showsMounts: boolean
  readonly networks: Networks | { readonly reason: string }
}

export interface Launch {
  readonly ground: Ground
  readonly spec: LaunchSpec
  readonly account: Account
  readonly name: string
  readonly hidden: readonly string[]
}

/** A launch with everything that belongs to it and ends with it. */
export interface Plan extends Launch {
  readonly pinned: readonly PinnedPath[]
  readonly network: Attachment
  readonly folders: WritableFolders
  readonly variables: ReadonlyMap<string, string>
}
