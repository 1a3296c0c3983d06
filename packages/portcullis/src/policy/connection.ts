/** Who may use something of an upstream may connect to it, although no policy says `connect`. */
import { vagueContext } from './circumstances.ts'
import { actionEntity, vagueEntity } from './entities.ts'
import { applies, type Policy } from './policy.ts'
import { type Entity, UNKNOWN } from './value.ts'
import { isUse, type TargetType, USES } from './vocabulary.ts'

/** The first permit that some call to this upstream could satisfy. Conditions on the call itself are left open. */
export function impliedConnection(
  policies: readonly Policy[],
  principal: Entity,
  upstream: string,
): Policy | undefined {
  const somethings = new Map<TargetType, Entity>()
  const something = (type: TargetType) => {
    const made = somethings.get(type) ?? vagueEntity(type, upstream)
    somethings.set(type, made)
    return made
  }
  return policies.find((policy) => {
    const { effect, scope } = policy
    if (effect !== 'permit' || scope.principal.matches(principal) !== true || !near(policy, upstream)) return false
    return [...scope.actions].filter(isUse).some((use) =>
      USES[use].some((type) => {
        const resource = something(type)
        if (scope.resource.matches(resource) === false) return false
        const context = vagueContext(use === 'tools/call' ? UNKNOWN : undefined)
        return applies(policy, { principal, action: actionEntity(use), resource, context }) !== false
      }),
    )
  })
}

/** A scope that names one thing is near only to the upstream of that thing. */
function near({ json: { resource } }: Policy, upstream: string): boolean {
  if (resource.op !== '==' || 'slot' in resource) return true
  const { id } = '__entity' in resource.entity ? resource.entity.__entity : resource.entity
  return id.startsWith(`${upstream}/`)
}
