using Xunit.Abstractions;
using Xunit.Sdk;

namespace KvmBackup.Lab.Support;

/// <summary>
/// The queue of tests that several labs share: a folder, in which there is a file for each test that a lab has claimed.
/// </summary>
public static class LabTestQueue
{
    /// <summary>The folder; unset when one lab runs all tests.</summary>
    public const string Variable = "KVMBACKUP_LAB_QUEUE";

    /// <summary>The number of this lab among them, from 1.</summary>
    public const string NumberVariable = "KVMBACKUP_LAB_NUMBER";

    /// <summary>
    /// The tests in units that one lab must run as a whole: a test alone, or all tests of a class that share what its
    /// fixture made. The longest come first. Half of the labs begin with the tests that need a Ceph cluster and the
    /// others with the rest, so that few clusters are made.
    /// </summary>
    public static IReadOnlyList<IReadOnlyList<IXunitTestCase>> Order(IEnumerable<IXunitTestCase> testCases)
    {
        bool isForCeph = int.TryParse(Environment.GetEnvironmentVariable(NumberVariable), out int number)
            && number % 2 == 0;
        return
        [
            .. testCases.GroupBy(UnitOf).Select(unit => (IReadOnlyList<IXunitTestCase>)[.. unit])
                .OrderBy(unit => NeedsCeph(unit[0]) != isForCeph).ThenByDescending(unit => unit.Sum(SecondsOf))
                .ThenBy(unit => UnitOf(unit[0]), StringComparer.Ordinal),
        ];
    }

    /// <summary>Whether this lab is the one that runs these tests.</summary>
    public static bool TryClaim(IReadOnlyList<IXunitTestCase> unit)
    {
        if (Environment.GetEnvironmentVariable(Variable) is not { Length: > 0 } folder)
        {
            return true;
        }

        try
        {
            using FileStream claim = new(Path.Combine(folder, UnitOf(unit[0])), FileMode.CreateNew);
            return true;
        }
        catch (IOException) when (File.Exists(Path.Combine(folder, UnitOf(unit[0]))))
        {
            return false;
        }
    }

    private static string UnitOf(IXunitTestCase testCase)
    {
        ITypeInfo type = testCase.TestMethod.TestClass.Class;
        return type.Interfaces.Any(
            implemented => implemented.Name.StartsWith("IClassFixture", StringComparison.Ordinal))
            ? type.Name : $"{type.Name}.{testCase.TestMethod.Method.Name}";
    }

    private static bool NeedsCeph(IXunitTestCase testCase) =>
        testCase.Traits.TryGetValue("Needs", out List<string>? needs) && needs.Contains("Ceph");

    private static int SecondsOf(IXunitTestCase testCase) =>
        testCase.TestMethod.Method.GetCustomAttributes(typeof(LabFactAttribute)).FirstOrDefault()
            ?.GetNamedArgument<int>(nameof(LabFactAttribute.Seconds)) ?? 0;
}
