using LambdaStreaming.Fuzz;

namespace LambdaStreaming.Tests.Differential;

/// <summary>
/// Regression tests for the corpus of coverage-guided fuzzing (tests/LambdaStreaming.Fuzz/corpus) and mutations of it.
/// </summary>
public class FuzzCorpusTests
{
    private const int Mutations = 300;

    public static IEnumerable<TheoryDataRow<string>> Targets =>
        Target.All.Select(target => new TheoryDataRow<string>(target.Name));

    [Theory, MemberData(nameof(Targets))]
    public void RunChecked_CorpusOfTheTarget_HasNoFinding(string name)
    {
        var target = Target.Get(name);

        foreach (var input in Seeds.Get(target)) RunChecked(target, input);
    }

    [Theory, MemberData(nameof(Targets))]
    public void RunChecked_MutationsOfTheCorpus_HaveNoFinding(string name)
    {
        var target = Target.Get(name);
        var mutator = new Mutator(Seeds.Get(target), seed: 11);

        for (var i = 0; i < Mutations; i++) RunChecked(target, mutator.Next());
    }

    private static void RunChecked(Target target, byte[] input)
    {
        try
        {
            target.RunChecked(input);
        }
        catch (Exception exception)
        {
            Assert.Fail($"{target.Name}: {Convert.ToHexString(input)}\n{exception}");
        }
    }
}
