/**
 * Decides how one signature covers many receipts: their hashes are the leaves of a tree, and the root is signed.
 *
 * Leaves and nodes are hashed with different first octets (as in RFC 9162 §2.1), so that no node can pass for a leaf. A node
 * without a partner moves up as it is.
 */
import { hash } from 'node:crypto'

/** A hash on the way from a leaf to the root, hex, and on which side of ours it stands. */
export type Step = { readonly left: string } | { readonly right: string }

const LEAF = Buffer.of(0)
const NODE = Buffer.of(1)

/** SHA-256 over the octet 0 and the bytes, hex. */
export const leafHash = (bytes: Buffer): string => hash('sha256', Buffer.concat([LEAF, bytes]), 'hex')

/** The root over at least one leaf, and for each leaf the way to it. */
export function merkleTree(leaves: readonly string[]): {
  readonly root: string
  readonly paths: readonly (readonly Step[])[]
} {
  const paths = leaves.map((): Step[] => [])
  let level = leaves.map((own, at) => ({ own, below: [at] }))
  while (level.length > 1) {
    const next: typeof level = []
    for (let at = 0; at < level.length; at += 2) {
      const [left, right] = [level[at] as (typeof level)[0], level[at + 1]]
      if (right === undefined) {
        next.push(left)
        continue
      }
      for (const leaf of left.below) paths[leaf]?.push({ right: right.own })
      for (const leaf of right.below) paths[leaf]?.push({ left: left.own })
      next.push({ own: nodeHash(left.own, right.own), below: [...left.below, ...right.below] })
    }
    level = next
  }
  return { root: (level[0] as (typeof level)[0]).own, paths }
}

/** The root to which a leaf leads on this way. */
export const rootOf = (leaf: string, path: readonly Step[]): string =>
  path.reduce((own, step) => ('left' in step ? nodeHash(step.left, own) : nodeHash(own, step.right)), leaf)

const nodeHash = (left: string, right: string): string =>
  hash('sha256', Buffer.concat([NODE, Buffer.from(left, 'hex'), Buffer.from(right, 'hex')]), 'hex')
