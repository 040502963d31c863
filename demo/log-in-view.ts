import { demoUsers } from './demo-users.ts'
import { byId, element } from './dom.ts'
import { recall } from './faults/left-user.ts'
import { logIn } from './session.ts'

/** Shows the form and resolves with the user, once there is one. */
export const askForLogIn = (): Promise<string> =>
  new Promise((resolve) => {
    const view = byId('log-in')
    const form = byId<HTMLFormElement>('log-in-form')
    const error = byId('log-in-error')
    const user = form.elements.namedItem('user') as HTMLInputElement
    const password = form.elements.namedItem('password') as HTMLInputElement

    const fill = (name: string) => {
      user.value = name
      password.value = demoUsers[name] ?? ''
    }

    byId('demo-users').replaceChildren(
      ...Object.entries(demoUsers).map(([name, secret]) => {
        const item = element('li')
        const button = element('button', `Fill in ${name}`)
        button.type = 'button'
        button.addEventListener('click', () => fill(name))
        item.append(element('code', `${name} / ${secret}`), button)
        return item
      }),
    )
    fill(Object.keys(demoUsers)[0]!)

    form.addEventListener('submit', async (event) => {
      event.preventDefault()
      try {
        const name = await logIn(user.value, password.value)
        view.hidden = true
        resolve(name)
      } catch (reason) {
        error.textContent = (reason as Error).message
      }
    })
    byId('log-in-note').textContent = recall()?.text ?? ''
    view.hidden = false
    user.focus()
  })
