/**
 * A bucket of object storage that speaks S3. Knows nothing of recordings; what comes from it is
 * bounded, and believed no further than its checksums go.
 */
package dev.chaperone.operator.objects;
