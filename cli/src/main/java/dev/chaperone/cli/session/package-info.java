/** Sessions and their recordings: sessions, replay, verify, revoke. */
package dev.chaperone.cli.session;
