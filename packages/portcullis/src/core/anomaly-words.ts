/** Decides the words for unusual conduct, which the configuration and the room that judges it have in common. */

/** How unusual, from the least; below the first nothing is said. */
export const LEVELS = ['low', 'medium', 'high', 'critical'] as const

/**
 * What follows, from the mildest; each does what those before it do, too.
 *
 * - `note`: shown to administrators and counted.
 * - `alert`: recorded and logged.
 * - `ask`: a person has to approve each call of the caller for a while.
 * - `throttle`: the caller may do little for a while.
 * - `block`: the caller may do nothing for a while.
 */
export const ANSWERS = ['note', 'alert', 'ask', 'throttle', 'block'] as const

export type Level = (typeof LEVELS)[number]
export type AnomalyAnswer = (typeof ANSWERS)[number]
