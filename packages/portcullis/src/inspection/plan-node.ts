/** Decides the shape of a plan: what is known of one place in the arguments of a call, and of the string that stands there. */
import type { Inspect, Sighting } from './finding.ts'
import type { Role } from './role.ts'
import type { Verdict } from './verdict.ts'

/** What is asked about one string. */
export interface Station {
  readonly role: Role
  /** The whole of a value means something only as a whole, so a long one is not cut into slices. */
  readonly whole: boolean
  /** Passes a value that has nothing in it which any detector looks for. Absent where a rule has to see every value. */
  readonly inspect: Inspect
  readonly judge: (sighting: Sighting) => Verdict
}

/** A place in the arguments. */
export interface PlanNode {
  readonly members: Map<string, PlanNode>
  any?: PlanNode
  station?: Station
  /** Of every string below that has none of its own, however deep it lies. */
  inside?: Station
}
