// Words and times as operators read them.

export const CHANNELS = {
  EMAIL: "E-mail",
  SMS: "SMS",
  IVR: "IVR",
  POPUP: "Pop-up",
  PUSH: "Push",
  INBOX: "Inbox",
  WEB: "Web",
  WHATSAPP: "WhatsApp",
  VIBER: "Viber",
  TELEGRAM: "Telegram",
  WEBHOOK: "Webhook",
};

/** Of each status: its word, how far along sent-delivered-seen-clicked it is, and its tone. */
export const STATUSES = {
  QUEUED: { word: "Queued", reached: 0, tone: "plain" },
  SENT: { word: "Sent", reached: 1, tone: "plain" },
  DEFERRED: { word: "Deferred", reached: 1, tone: "waiting" },
  SUPPRESSED: { word: "Suppressed", reached: 0, tone: "waiting" },
  DELIVERED: { word: "Delivered", reached: 2, tone: "plain" },
  FAILED: { word: "Failed", reached: 1, tone: "bad" },
  BOUNCED: { word: "Bounced", reached: 1, tone: "bad" },
  IMPRESSION: { word: "Seen", reached: 3, tone: "seen" },
  OPENED: { word: "Opened", reached: 3, tone: "seen" },
  CLICKED: { word: "Clicked", reached: 4, tone: "good" },
  UNSUBSCRIBED: { word: "Unsubscribed", reached: 3, tone: "bad" },
  COMPLAINED: { word: "Complained", reached: 3, tone: "bad" },
};

export function channelWord(channel) {
  return CHANNELS[channel] ?? channel;
}

export function statusWords(status) {
  return STATUSES[status] ?? { word: status, reached: 0, tone: "plain" };
}

/** Their name, else the best handle there is. */
export function contactName(contact) {
  const name = [contact.firstName, contact.lastName].filter(Boolean).join(" ");
  return (
    name || contact.username || contact.externalUsername || contact.email || "Contact without a name"
  );
}

const toMinute = { hour: "2-digit", minute: "2-digit", hourCycle: "h23" };
const minutes = new Intl.DateTimeFormat("en", toMinute);
const seconds = new Intl.DateTimeFormat("en", { ...toMinute, second: "2-digit" });
const day = new Intl.DateTimeFormat("en", { day: "numeric", month: "short" });
const full = new Intl.DateTimeFormat("en", { dateStyle: "full", timeStyle: "long" });

/** To the second today, to the minute with the day before it otherwise; in the operator's zone. */
export function shortTime(moment) {
  const isToday = moment.toDateString() === new Date().toDateString();
  return isToday ? seconds.format(moment) : `${day.format(moment)} ${minutes.format(moment)}`;
}

export function minute(moment) {
  return minutes.format(moment);
}

export function fullTime(moment) {
  return full.format(moment);
}

const whole = new Intl.NumberFormat("en");

export function count(number) {
  return whole.format(number);
}

/** Microseconds since 1970 of an RFC 3339 text: Date alone would lose the last three digits. */
export function microseconds(text) {
  const fraction = /\.(\d+)/.exec(text)?.[1] ?? "";
  const micros = Number(fraction.padEnd(6, "0").slice(3, 6));
  return Date.parse(text) * 1000 + micros;
}
