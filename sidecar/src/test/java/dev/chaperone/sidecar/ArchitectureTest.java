package dev.chaperone.sidecar;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.library.dependencies.SlicesRuleDefinition;
import org.junit.jupiter.api.Test;

/** Dependencies point one way, as the design says. */
class ArchitectureTest {
  private static final JavaClasses CLASSES =
      new ClassFileImporter()
          .withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_TESTS)
          .withImportOption(location -> !location.contains("-tests.jar"))
          .withImportOption(location -> !location.contains("/test-classes/"))
          .importPackages("dev.chaperone");

  @Test
  void policyDependsOnNothingOfOurs() {
    noClasses()
        .that()
        .resideInAPackage("dev.chaperone.policy..")
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage(
            "dev.chaperone.crds..",
            "dev.chaperone.recording..",
            "dev.chaperone.control..",
            "dev.chaperone.sidecar..")
        .check(CLASSES);
  }

  @Test
  void recordingDependsOnTheJavaRuntimeAlone() {
    classes()
        .that()
        .resideInAPackage("dev.chaperone.recording..")
        .should()
        .onlyDependOnClassesThat()
        .resideInAnyPackage("dev.chaperone.recording..", "java..")
        .check(CLASSES);
  }

  @Test
  void policyDoesNoInputAndOutput() {
    noClasses()
        .that()
        .resideInAPackage("dev.chaperone.policy..")
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage(
            "java.net..", "java.nio.file..", "java.sql..", "io.netty..", "io.fabric8..")
        .check(CLASSES);
  }

  @Test
  void resourcesDependOnNothingOfOurs() {
    noClasses()
        .that()
        .resideInAPackage("dev.chaperone.crds..")
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage(
            "dev.chaperone.policy..", "dev.chaperone.control..", "dev.chaperone.sidecar..")
        .check(CLASSES);
  }

  @Test
  void controlDoesNotKnowThePrograms() {
    noClasses()
        .that()
        .resideInAPackage("dev.chaperone.control..")
        .should()
        .dependOnClassesThat()
        .resideInAPackage("dev.chaperone.sidecar..")
        .check(CLASSES);
  }

  @Test
  void theGatewayKnowsNoProtocol() {
    noClasses()
        .that()
        .resideInAPackage("dev.chaperone.sidecar.gateway..")
        .should()
        .dependOnClassesThat()
        .resideInAPackage("dev.chaperone.sidecar.protocol..")
        .check(CLASSES);
  }

  @Test
  void protocolsDoNotKnowWhereConfigurationComesFrom() {
    noClasses()
        .that()
        .resideInAPackage("dev.chaperone.sidecar.protocol..")
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage("dev.chaperone.sidecar.control..", "dev.chaperone.sidecar.management..")
        .check(CLASSES);
  }

  @Test
  void packagesOfTheSidecarHaveNoCycles() {
    SlicesRuleDefinition.slices()
        .matching("dev.chaperone.sidecar.(*)..")
        .should()
        .beFreeOfCycles()
        .check(CLASSES);
  }

  @Test
  void onlyTheLogFormatKnowsTheLoggingBackend() {
    noClasses()
        .that()
        .resideInAPackage("dev.chaperone..")
        .and()
        .haveNameNotMatching("dev\\.chaperone\\.sidecar\\.LogFormat.*")
        .should()
        .dependOnClassesThat()
        .resideInAPackage("java.util.logging..")
        .check(CLASSES);
  }

  @Test
  void onlyTheProgramItselfPrintsAndExits() {
    noClasses()
        .that()
        .resideInAnyPackage(
            "dev.chaperone.sidecar.gateway..",
            "dev.chaperone.sidecar.protocol..",
            "dev.chaperone.sidecar.control..",
            "dev.chaperone.sidecar.management..",
            "dev.chaperone.policy..",
            "dev.chaperone.recording..",
            "dev.chaperone.control..")
        .should()
        .accessField(System.class, "out")
        .orShould()
        .accessField(System.class, "err")
        .orShould()
        .callMethod(System.class, "exit", int.class)
        .check(CLASSES);
  }
}
