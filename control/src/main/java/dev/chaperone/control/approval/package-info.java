/** What the commands and the gateway both do with ApprovalRequests. */
package dev.chaperone.control.approval;
