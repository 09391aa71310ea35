// Times for people: minutes, seconds and thousandths since the first image.

export function formatTime(ns, digits = 2) {
  const total = Number((Math.max(0, ns) / 1e9).toFixed(digits)); // first, or 59.999 would be 0:60.00
  const minutes = Math.floor(total / 60);
  const seconds = (total - minutes * 60).toFixed(digits).padStart(digits ? digits + 3 : 2, "0");
  const hours = Math.floor(minutes / 60);
  return hours ? `${hours}:${String(minutes % 60).padStart(2, "0")}:${seconds}` : `${minutes}:${seconds}`;
}

export function formatDuration(ns) {
  return `${(ns / 1e9).toFixed(2)} s`;
}
