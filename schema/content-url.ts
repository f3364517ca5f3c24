// Control characters and white space are how "java\nscript:" passes a prefix check; quotes and angle brackets have no place in a URL.
const FORBIDDEN = /[\p{Cc}\s<>"]/u;
const WEB = /^https?:\/\/./iu;
const MAIL = /^mailto:./iu;
const MAX_URL_LENGTH = 4096;

const isPlausible = (url: unknown): url is string =>
  typeof url === "string" && url.length <= MAX_URL_LENGTH && !FORBIDDEN.test(url);

/** True for an absolute http, https or mailto address: the only ones a link may lead to. */
export const isLinkUrl = (url: unknown): url is string =>
  isPlausible(url) && (WEB.test(url) || MAIL.test(url)) && URL.canParse(url);

/** True for an absolute http or https address: the only ones an image may be loaded from. */
export const isImageUrl = (url: unknown): url is string =>
  isPlausible(url) && WEB.test(url) && URL.canParse(url);
