/** Decides what tells one class of OCSF from another; the rest of an event is the same in all. */

/** What makes an event one of its class. `uid` is that of the class; its category is what stands before the last three digits. */
export interface OcsfClass {
  readonly uid: number
  readonly activity: number
  readonly activityName: string
  readonly members: Readonly<Record<string, unknown>>
  /** Profiles of which members are used. */
  readonly profiles?: readonly string[]
}
