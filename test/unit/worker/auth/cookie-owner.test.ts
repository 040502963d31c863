import { beforeEach, describe, expect, it } from 'vitest'
import { createCookieOwner } from '../../../../worker/auth/cookie-owner.ts'
import { createFakePlatform, type FakePlatform } from '../../harness/platform.ts'
import { settle, until } from '../../harness/turns.ts'

const NAME = 'cookie'

describe('A3 whose cookie it is', () => {
  let platform: FakePlatform
  let told: string[]

  beforeEach(() => {
    platform = createFakePlatform()
    told = []
  })

  const create = () => createCookieOwner(platform, NAME)

  it('is the last one’s who exchanged; the one before is told, once', async () => {
    create().own(() => told.push('ann'))
    await settle()
    create().own(() => told.push('bob'))
    await until(() => told.length === 1)
    create().own(() => told.push('eve'))
    await until(() => told.length === 2)
    expect(told).toEqual(['ann', 'bob'])
  })

  it('stays one’s own over one’s own next exchange', async () => {
    const ann = create()
    ann.own(() => told.push('first'))
    await settle()
    ann.own(() => told.push('second'))
    await settle()
    create().own(() => {})
    await until(() => told.length > 0)
    expect(told).toEqual(['second'])
  })

  it.each(['before', 'after'])('is nobody’s once it is disowned, %s the lock was granted', async (when) => {
    const ann = create()
    ann.own(() => told.push('ann'))
    if (when === 'after') await settle()
    ann.disown()
    await settle()
    expect(platform.locks.isHeld(NAME)).toBe(false)
    create().own(() => {})
    await settle()
    expect(told).toEqual([])
  })
})
