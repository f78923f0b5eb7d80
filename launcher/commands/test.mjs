export async function test() {
  return 0;
}
export async function testKill() {
  return 0;
}
export async function testIdle() {
  return 0;
}
export async function testFresh() {
  return 0;
}
