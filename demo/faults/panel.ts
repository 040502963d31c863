import { byId, element } from '../dom.ts'
import { notice } from '../notice.ts'
import { blackHole } from './black-hole.ts'
import { burst } from './burst.ts'
import { cut } from './cut.ts'
import { expireToken } from './expire-token.ts'
import type { Fault, FaultContext, Outcome } from './fault.ts'
import { freeze } from './freeze.ts'
import { killWorker } from './kill-worker.ts'
import { restart } from './restart.ts'
import { signOut } from './sign-out.ts'
import { switchUser } from './switch-user.ts'
import { thirdBrowser } from './third-browser.ts'

const faults: readonly Fault[] = [
  cut,
  restart,
  blackHole,
  expireToken,
  killWorker,
  freeze,
  burst,
  thirdBrowser,
  signOut,
  switchUser,
]

const failure = (error: unknown): Outcome => ({ kept: false, text: (error as Error).message })

/** One card a fault. One at a time, or nobody could say which of two it was. */
export const createFaultPanel = (page: Omit<FaultContext, 'say'>) => {
  const place = byId('fault-list')
  let running: Fault | undefined
  let available = true

  const cards = faults.map((fault) => {
    const card = element('li', '', 'fault')
    const button = element('button', fault.title)
    const claim = element('p', fault.claim, 'claim')
    const outcome = element('p', '', 'outcome')
    button.type = 'button'
    button.id = `fault-${fault.id}`
    claim.id = `claim-${fault.id}`
    outcome.id = `outcome-${fault.id}`
    button.setAttribute('aria-describedby', claim.id)
    card.append(button, claim, outcome)

    const context: FaultContext = {
      ...page,
      say(text) {
        outcome.textContent = text
        delete outcome.dataset.kept
      },
    }
    const show = ({ kept, text }: Outcome) => {
      outcome.textContent = text
      outcome.dataset.kept = String(kept)
      notice(`${fault.title}: ${text}`)
    }
    const perform = async (work: () => Promise<Outcome | undefined>) => {
      running = fault
      showAvailable()
      try {
        const result = await work()
        if (result) show(result)
      } catch (error) {
        show(failure(error))
      } finally {
        running = undefined
        showAvailable()
      }
    }

    button.addEventListener('click', () => {
      // Not `disabled`, which would take the focus away from who has just pressed it.
      if (running || !available) return
      context.say('Under way …')
      void perform(() => fault.run(context))
    })
    return { fault, card, button, context, perform }
  })

  const showAvailable = () => {
    for (const { button, fault } of cards) {
      button.setAttribute('aria-disabled', String(running !== undefined || !available))
      button.setAttribute('aria-busy', String(running === fault))
    }
  }

  place.replaceChildren(...cards.map(({ card }) => card))

  return {
    /** The faults are faults of the stream: without one there is nothing to break. */
    setAvailable(next: boolean): void {
      available = next
      showAvailable()
    },
    /** Tells what became of the fault that ended in a reload. */
    async resume(): Promise<void> {
      for (const { fault, context, perform } of cards)
        if (fault.after) await perform(() => fault.after!(context))
    },
  }
}

export type FaultPanel = ReturnType<typeof createFaultPanel>
