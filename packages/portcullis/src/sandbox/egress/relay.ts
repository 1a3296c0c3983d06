/** Passes bytes both ways between a program and a host, at the pace of the slower one, until both have ended. */
import type { Socket } from 'node:net'
import type { MeteredSocket } from './metered-socket.ts'

/** Resolves when the way is closed. Never rejects. */
export function relay(client: Socket, way: MeteredSocket): Promise<void> {
  return new Promise((resolve) => {
    client.on('error', () => client.destroy()).once('close', () => way.destroy())
    way.on('error', () => client.destroy())
    way.once('close', () => {
      if (client.writableEnded) client.destroySoon()
      else client.destroy()
      resolve()
    })
    if (client.destroyed) way.destroy()
    client.pipe(way)
    way.pipe(client)
  })
}
