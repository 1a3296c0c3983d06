/**
 * Decides where authorization servers send people back to, and where they read who we are. Each upstream has both for itself
 * (RFC 9700 §4.4.2): a server that sends a person on to another one can neither have the answer come back to its own address,
 * which the other does not know as ours, nor pass off an answer that came to the other's address.
 */

/** Below it lies everything with which people connect upstreams. */
export const CONNECT_MOUNT = '/connect/'

/** Below the mount: where people of this upstream come back to. */
export const callbackPath = (upstream: string): string => `callback/${upstream}`

/** Below the mount: the client metadata document for the server of this upstream. */
export const documentPath = (upstream: string): string => `client/${upstream}.json`
