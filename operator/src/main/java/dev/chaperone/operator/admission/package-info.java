/**
 * What the API server asks a webhook, and what it is answered: the AdmissionReview of {@code
 * admission.k8s.io/v1}, read and written as raw JSON so that fields this version does not know
 * survive.
 */
package dev.chaperone.operator.admission;
