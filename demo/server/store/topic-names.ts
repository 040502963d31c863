/** Bytes of UTF-8 that the name of a topic may have. */
export const longestTopic = 200

/**
 * A name stands in a comment line of the stream and in the URL of a request. A line end or NUL in it would be another line
 * of the stream (HTML Standard, 9.2.6). Control, format and separator characters look like nothing, or like another name.
 */
const forbidden = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]|^\*?$|^ | $/u

/** Whether a topic can have this name, whatever its length. */
export const isTopicName = (name: unknown): name is string =>
  typeof name === 'string' && !forbidden.test(name)

/** Whether an event can be published under this name. */
export const isPublishableTopic = (name: unknown): name is string =>
  isTopicName(name) && Buffer.byteLength(name) <= longestTopic

const ownPrefix = 'user:'

/** The topic that every stream of a user has, asked for or not. It may be longer than a topic that is asked for. */
export const ownTopicOf = (user: string): string => ownPrefix + user

/** Whether a name is that of some user's own topic. Nobody grants those: each user has the own one, and no other. */
export const isOwnTopic = (name: string): boolean => name.startsWith(ownPrefix)
