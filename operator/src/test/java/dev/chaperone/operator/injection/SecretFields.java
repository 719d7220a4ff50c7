package dev.chaperone.operator.injection;

import java.util.Set;

/** What the search for references to Secrets is held against. */
final class SecretFields {
  /**
   * The fields of a pod's spec that name a Secret, {@code []} standing for any item of a list: all
   * text below a name with the word Secret, but for the key in it and the file it is to be.
   */
  static final Set<String> KNOWN =
      Set.of(
          "containers[].env[].valueFrom.secretKeyRef.name",
          "containers[].envFrom[].secretRef.name",
          "ephemeralContainers[].env[].valueFrom.secretKeyRef.name",
          "ephemeralContainers[].envFrom[].secretRef.name",
          "imagePullSecrets[].name",
          "initContainers[].env[].valueFrom.secretKeyRef.name",
          "initContainers[].envFrom[].secretRef.name",
          "volumes[].azureFile.secretName",
          "volumes[].cephfs.secretRef.name",
          "volumes[].cinder.secretRef.name",
          "volumes[].csi.nodePublishSecretRef.name",
          "volumes[].flexVolume.secretRef.name",
          "volumes[].iscsi.secretRef.name",
          "volumes[].projected.sources[].secret.name",
          "volumes[].rbd.secretRef.name",
          "volumes[].scaleIO.secretRef.name",
          "volumes[].secret.secretName",
          "volumes[].storageos.secretRef.name");

  private SecretFields() {}
}
